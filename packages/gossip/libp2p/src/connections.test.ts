import '@p2poolv2/runtime/with-resolvers'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, it } from 'vitest'
import { isConnected, Loopback, type LoopbackNode, testParams } from './testing/loopback.ts'

describe('connections', () => {
  const loopback = new Loopback()
  const { changes } = loopback

  afterEach(async () => {
    await loopback.stop()
  })

  const count = (node: LoopbackNode, type: 'connected' | 'closed') =>
    node.peering.filter(event => event.type === type).length
  const areJoined = (a: LoopbackNode, b: LoopbackNode) => isConnected(a, b) && isConnected(b, a)
  const failures = (node: LoopbackNode) =>
    node.peering.flatMap(event => (event.type === 'dialFailed' ? [event.reason] : []))

  it('are told to the peering machine, with where the peer is and what it says of itself', async () => {
    const [a, b] = [await loopback.start(), await loopback.start({ agent: 'other/1' })]
    await loopback.join(a, b)
    const address = b.network.addresses()[0]
    expect(a.peering.slice(0, 3)).toEqual([
      { type: 'listening', addresses: a.network.addresses() },
      { type: 'connected', peer: b.network.peer, direction: 'outbound', address },
      {
        type: 'identified',
        peer: b.network.peer,
        agent: 'other/1',
        dialect: 'ours',
        addresses: [address],
        observed: expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
      }
    ])
    expect(a.network.connections()).toMatchObject([
      { peer: b.network.peer, address, direction: 'outbound', agent: 'other/1', dialect: 'ours' }
    ])
    b.network.close(a.network.peer, 'enough')
    await changes.until(() => count(a, 'closed') === 1 && count(b, 'closed') === 1)
    expect([a.told.at(-1), b.told.at(-1)]).toEqual([
      { type: 'peerGone', peer: b.network.peer },
      { type: 'peerGone', peer: a.network.peer }
    ])
  })

  it('of two that dial each other at once become one, and never none', async () => {
    for (let round = 0; round < 10; round++) {
      const [a, b] = [await loopback.start(), await loopback.start()]
      await Promise.all([loopback.dial(a, b), loopback.dial(b, a)])
      await changes.until(() => areJoined(a, b))
      expect([a.network.connections().length, b.network.connections().length]).toEqual([1, 1])
      const [ofA, ofB] = [a.network.connections()[0], b.network.connections()[0]]
      expect(new Set([ofA?.direction, ofB?.direction])).toEqual(new Set(['inbound', 'outbound']))
      await loopback.stop()
    }
  })

  it('are not made beside one that stands', async () => {
    const [a, b] = [await loopback.start(), await loopback.start()]
    await loopback.join(a, b)
    await loopback.dial(a, b)
    expect(failures(a)).toEqual(['not-admitted'])
    expect(areJoined(a, b)).toBe(true)
    expect([count(a, 'connected'), count(a, 'closed'), count(b, 'closed')]).toEqual([1, 0, 0])
  })

  it.each(['inbound', 'outbound'])('are not made with a peer whose name no ban can hold, %s', async direction => {
    const nobody = await loopback.start({ privateKey: await generateKeyPair('RSA', 2_048) })
    const node = await loopback.start()
    await (direction === 'inbound' ? loopback.dial(nobody, node) : loopback.dial(node, nobody))
    await changes.until(() => failures(direction === 'inbound' ? nobody : node).length === 1)
    expect([count(node, 'connected'), node.network.connections()]).toEqual([0, []])
    if (direction === 'outbound') expect(failures(node)).toEqual(['failed'])
  })

  it('are not made with nodes of another chain', async () => {
    const [a, b] = [await loopback.start(), await loopback.start({ params: testParams(1_700_000_001) })]
    await loopback.dial(a, b)
    expect(failures(a)).toEqual(['network'])
    expect([...a.told, ...b.told]).toEqual([])
  })

  it('are not made with somebody else than was meant, where nobody listens, nor with oneself', async () => {
    const [a, b, c] = [await loopback.start(), await loopback.start(), await loopback.start()]
    await a.network.connect(b.network.addresses()[0] ?? '', c.network.peer)
    const { port } = c.network
    await c.network.stop()
    await a.network.connect(`/ip4/127.0.0.1/tcp/${port}`, null)
    await a.network.connect(`/ip4/127.0.0.1/tcp/${a.network.port}`, null)
    expect(failures(a)).toEqual(['wrong-peer', 'refused', 'self'])
    expect(b.told).toEqual([])
  })

  it('are refused to whom the peering machine refuses, before and after it is known who comes', async () => {
    const asked: (string | null)[] = []
    const b = await loopback.start()
    const a = await loopback.start({
      admits: ({ direction, peer }) => {
        asked.push(peer)
        return direction === 'inbound' && peer === b.network.peer ? 'full' : null
      }
    })
    const c = await loopback.start({ admits: () => 'banned' })
    await loopback.dial(b, a)
    await loopback.dial(a, c)
    expect(asked).toEqual([null, b.network.peer])
    expect(failures(b)).toEqual(['refused'])
    expect(failures(a)).toEqual(['refused'])
    expect([...a.told, ...b.told, ...c.told]).toEqual([])
  })

  it('come from one address as many as a house has nodes, all at once', async () => {
    const hub = await loopback.start()
    const nodes = await Promise.all(Array.from({ length: 20 }, () => loopback.start()))
    await Promise.all(nodes.map(node => loopback.dial(node, hub)))
    await changes.until(() => nodes.every(node => areJoined(node, hub)))
    hub.network.perform({ type: 'publish', topic: 'shares', data: Uint8Array.of(1) })
    await changes.until(() => nodes.every(({ told }) => told.some(({ type }) => type === 'gossip')))
  })

  it('of a peer that came back under its name replace those it left behind', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const hub = await loopback.start()
    const first = await loopback.start({ privateKey })
    await loopback.join(first, hub)
    await first.network.stop()
    await changes.until(() => count(hub, 'closed') === 1)
    const again = await loopback.start({ privateKey })
    await loopback.join(again, hub)
    expect(hub.network.connections()).toHaveLength(1)
  })
})

it('a node that looks on the local network and asks the router starts, and stops', async () => {
  const loopback = new Loopback()
  const node = await loopback.start({ localNetwork: true, mapsPort: true })
  expect(node.network.port).toBeGreaterThan(0)
  await loopback.stop()
})

it('what a connection has carried is counted', async () => {
  const loopback = new Loopback()
  const [a, b] = [await loopback.start(), await loopback.start()]
  await loopback.join(a, b)
  for (const { network } of [a, b]) {
    const [connection] = network.connections()
    expect(connection?.bytesIn).toBeGreaterThan(500)
    expect(connection?.bytesOut).toBeGreaterThan(500)
  }
  await loopback.stop()
})
