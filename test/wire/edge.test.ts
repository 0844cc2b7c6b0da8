import '@p2poolv2/runtime/with-resolvers'
import { chainParams } from '@p2poolv2/consensus'
import type { PeerEvent } from '@p2poolv2/gossip'
import { loadIdentity, type Network, startNetwork } from '@p2poolv2/gossip/libp2p'
import { createLog, systemClock } from '@p2poolv2/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ACK, frame, handshake, NO_HASH } from './raw/messages.ts'
import { publish } from './raw/pubsub.ts'
import { RawPeer } from './raw/raw-peer.ts'
import { KIND, type Stream } from './raw/yamux.ts'

const BASE = '/p2pool/signet/8b0d970f'

// What no node of ours sends, against our network with nobody behind it.
describe('the network, to a stranger on a bare socket', () => {
  let network: Network
  let told: PeerEvent[] = []
  let port = 0
  let raw: RawPeer | null = null
  let answer: Uint8Array = ACK
  const waiting: (() => void)[] = []
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>(resolve => waiting.push(resolve))
  }
  const requests = (): PeerEvent[] => told.filter(({ type }) => type === 'peerRequest')
  const dial = async (options: { readonly isOurs?: boolean; readonly base?: string } = {}): Promise<RawPeer> => {
    raw = await RawPeer.dial({ port, base: BASE, isOurs: false, ...options })
    return raw
  }

  beforeEach(async () => {
    told = []
    answer = ACK
    network = await startNetwork({
      params: chainParams('signet'),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      privateKey: await loadIdentity({ directory: null, fresh: true }),
      agent: 'p2poolv2-ts/0.0.0',
      tell: event => {
        told.push(event)
        for (const wake of waiting.splice(0)) wake()
        if (event.type !== 'peerRequest') return
        const { peer, requestId } = event
        queueMicrotask(() => network.perform({ type: 'respond', peer, requestId, payload: answer }))
      },
      tellPeering: () => undefined,
      admits: () => null,
      clock: systemClock(),
      log: createLog({ level: 'silent', format: 'json' })
    })
    port = network.port ?? 0
  })

  afterEach(async () => {
    raw?.close()
    await network.stop()
  })

  it('says in identify what it speaks, in less than the reference takes', async () => {
    const { agent, protocolVersion, protocols, bytes } = await (await dial()).identify()
    expect({ agent, protocolVersion }).toEqual({ agent: 'p2poolv2-ts/0.0.0', protocolVersion: `${BASE}/1.0.0` })
    expect(protocols).toEqual(
      expect.arrayContaining([`${BASE}/1.0.0`, `${BASE}/templates/1.0.0`, `${BASE}/kad/1.0.0`, '/meshsub/1.1.0'])
    )
    expect(bytes).toBeLessThan(4_096)
  })

  it('answers a request that came before it knows who asks', async () => {
    expect(await (await dial()).ask(handshake(0, NO_HASH))).toEqual(ACK)
    expect(told.map(({ type }) => type).slice(0, 2)).toEqual(['peerConnected', 'peerRequest'])
  })

  it('shakes no hands with another chain', async () => {
    await expect(RawPeer.dial({ port, base: '/p2pool/signet/00000000' })).rejects.toThrow()
    expect(told).toEqual([])
  })

  it('resets a stream that announces too much, before it has come, and no other', async () => {
    const peer = await dial()
    const stream = await peer.openRequest()
    const head = frame(ACK).subarray(0, 8)
    head.writeUInt32LE(1_048_577)
    await stream.send(head)
    await expect(stream.take(1)).rejects.toMatchObject({ how: 'rst' })
    expect(await peer.ask(handshake(0, NO_HASH))).toEqual(ACK)
    expect(requests()).toHaveLength(1)
  })

  it('resets a stream with a wrong checksum, and one that ends inside its frame', async () => {
    const peer = await dial()
    const wrong = frame(handshake(0, NO_HASH))
    wrong[4] = (wrong[4] ?? 0) ^ 1
    const streams = [await peer.openRequest(), await peer.openRequest()]
    await streams[0]?.send(wrong)
    await streams[1]?.send(frame(handshake(0, NO_HASH)).subarray(0, 20))
    streams[1]?.finish()
    for (const stream of streams) await expect(stream.take(1)).rejects.toMatchObject({ how: 'rst' })
    expect(requests()).toEqual([])
  })

  it('counts an answer as left when the peer has taken it, and serves it meanwhile', async () => {
    const peer = await dial()
    answer = new Uint8Array(1_048_576).fill(7)
    const stream = await peer.openRequest()
    stream.isStalled = true
    await stream.send(frame(handshake(0, NO_HASH)))
    stream.finish()
    // As much as the first window holds comes; the rest waits.
    await stream.take(200_000)
    answer = ACK
    expect(await peer.ask(handshake(0, NO_HASH))).toEqual(ACK)
    const left = () => told.flatMap(event => (event.type === 'responded' ? [event.requestId] : []))
    expect(left()).not.toContain(1)
    peer.mux.send({ kind: KIND.window, stream: stream.id, length: 1_048_576 })
    await stream.take(1_048_584 - 200_000)
    expect(await peer.ask(handshake(0, NO_HASH))).toEqual(ACK)
    expect(left()).toContain(1)
  })

  describe('makes topics anew with a peer', () => {
    const topics = ['shares', 'templates'].map(topic => `${BASE}/topic/${topic}/1.0.0`)
    const welcomes = (peer: RawPeer) => peer.heard.filter(({ subscriptions }) => subscriptions.length > 0).length

    /** One that is in the topics. */
    const neighbour = async (): Promise<{ readonly peer: RawPeer; readonly stream: Stream }> => {
      const peer = await dial({ isOurs: true })
      const stream = await peer.joinTopics()
      await peer.until(() => welcomes(peer) === 1 && told.some(({ type }) => type === 'peerConnected'))
      return { peer, stream }
    }

    /** It is told of topics once more, and what either says then is heard by the other. */
    const expectAnew = async (peer: RawPeer): Promise<void> => {
      await peer.until(() => welcomes(peer) === 2)
      const again = await peer.joinTopics()
      again.write(publish(topics[0] ?? '', Buffer.from([1, 2, 3])))
      expect(await peer.ask(handshake(0, NO_HASH))).toEqual(ACK)
      await until(() => told.some(({ type }) => type === 'gossip'))
      expect(told.filter(({ type }) => type === 'gossip')).toMatchObject([{ peer: peer.name }])
      network.perform({ type: 'publish', topic: 'templates', data: Uint8Array.of(7) })
      await peer.until(() => peer.heard.some(({ messages }) => messages.some(({ data }) => data.equals(Buffer.of(7)))))
      expect(told.filter(({ type }) => type === 'peerGone')).toEqual([])
    }

    it('whose packet was too large to read', async () => {
      const { peer, stream } = await neighbour()
      // A length of 32 MiB.
      stream.write(Buffer.from([0x80, 0x80, 0x80, 0x10]))
      await expect(stream.take(1)).rejects.toThrow()
      await expectAnew(peer)
    })

    it('that reset the stream on which it heard us, and has said nothing since', async () => {
      const { peer } = await neighbour()
      peer.topicStreams[0]?.reset()
      await expectAnew(peer)
    })

    it('that did not read until more was waiting for it than is kept', async () => {
      const { peer } = await neighbour()
      const [stream] = peer.topicStreams
      if (stream !== undefined) stream.isStalled = true
      // Five of the largest shares.
      for (let n = 0; n < 5; n++) {
        network.perform({ type: 'publish', topic: 'shares', data: new Uint8Array(1_048_000).fill(n) })
      }
      await expectAnew(peer)
    })
  })

  it('waits ten seconds for a request that dribbles, and serves others meanwhile', async () => {
    const peer = await dial()
    const dribbling = await peer.openRequest()
    const fromMs = performance.now()
    const drip = setInterval(() => dribbling.write(Buffer.of(1)), 1_000)
    try {
      const head = frame(Buffer.alloc(1_000)).subarray(0, 8)
      await dribbling.send(head)
      expect(await peer.ask(handshake(0, NO_HASH))).toEqual(ACK)
      await expect(dribbling.take(1)).rejects.toMatchObject({ how: 'rst' })
    } finally {
      clearInterval(drip)
    }
    expect(performance.now() - fromMs).toBeGreaterThan(9_000)
    expect(requests()).toHaveLength(1)
  })
})
