import type { Share } from '@p2poolv2/consensus'
import { encodeShare } from '@p2poolv2/consensus'
import { wireFromDisplay } from '@p2poolv2/primitives'
import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LiveNode } from './live-node.ts'
import {
  ACK,
  getShare,
  getShareBlocks,
  getShareHeaders,
  handshake,
  inventory,
  isHeaderOf,
  NO_HASH,
  readHeaderBatch,
  readShare,
  shareBlock
} from './raw/messages.ts'
import { graft, publish } from './raw/pubsub.ts'
import { RawPeer } from './raw/raw-peer.ts'

const COUNT = 40

// What the client knows of the chain, it was told over the wire.
describe('a raw client', () => {
  const builder = new ChainBuilder()
  const shares = builder.row(builder.genesis, COUNT)
  let live: LiveNode
  let peer: RawPeer

  beforeAll(async () => {
    live = await LiveNode.start(builder.params, shares)
    peer = await RawPeer.dial({ port: live.port, base: live.base })
  })

  afterAll(async () => {
    peer?.close()
    await live?.stop()
  })

  const wire = (share: Share | undefined): Buffer => Buffer.from(wireFromDisplay(share?.hash ?? builder.genesis))
  const push = async (share: Share): Promise<void> => {
    expect(await peer.ask(shareBlock(encodeShare(share)))).toEqual(ACK)
    await live.until(() => live.node.tip === share.hash)
  }

  it('meets the node that it dialled', async () => {
    expect(peer.remote).toBe(live.network.peer)
    expect(await peer.identify()).toMatchObject({
      agent: 'p2poolv2-ts/0.0.0',
      protocolVersion: `${live.base}/1.0.0`
    })
    await live.until(() => live.told.some(event => event.type === 'peerConnected'))
    expect(live.told.find(event => event.type === 'peerConnected')).toEqual({
      type: 'peerConnected',
      peer: peer.name,
      direction: 'inbound',
      dialect: 'reference'
    })
  })

  it('is told every protocol of the pages, in fewer bytes than the reference reads', async () => {
    const { protocols, bytes } = await peer.identify()
    const ours = ['1.0.0', 'kad/1.0.0', 'templates/1.0.0'].map(rest => `${live.base}/${rest}`)
    const others = ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0', '/meshsub/1.1.0']
    expect(protocols).toEqual(expect.arrayContaining([...ours, ...others]))
    expect(bytes).toBeLessThan(4_096)
  })

  it('is pinged back', async () => {
    expect(await peer.ping()).toBe(true)
  })

  it('is told the tip in a handshake, and tells its own', async () => {
    await peer.until(() => peer.asked.length > 0)
    expect(peer.asked[0]).toEqual({
      protocol: `${live.base}/1.0.0`,
      payload: handshake(COUNT, wire(shares.at(-1)))
    })
    expect(await peer.ask(handshake(0, wire(undefined)))).toEqual(ACK)
  })

  it('syncs headers from the genesis and every body they name', async () => {
    const answer = await peer.ask(getShareHeaders([wire(undefined)]))
    const batch = readHeaderBatch(answer ?? NO_HASH)
    expect(batch).toHaveLength(COUNT)
    let parent = wire(undefined)
    for (const [at, entry] of batch.entries()) {
      expect(entry.prev).toEqual(parent)
      const name = batch[at + 1]?.prev ?? wire(shares.at(-1))
      const { hash, header } = readShare((await peer.ask(getShare(name))) ?? NO_HASH)
      expect(hash).toEqual(name)
      expect(isHeaderOf(entry, header)).toBe(true)
      parent = hash
    }
  })

  it('gets the hashes of the same shares, and the genesis alone for a locator that nobody knows', async () => {
    const hashes = (await peer.ask(getShareBlocks([wire(undefined)]))) ?? NO_HASH
    expect(hashes.subarray(0, 3).toString('hex')).toBe(`0000${COUNT.toString(16)}`)
    expect(hashes.subarray(3)).toEqual(Buffer.concat(shares.map(share => wire(share))))
    const [genesis, ...more] = readHeaderBatch((await peer.ask(getShareHeaders([NO_HASH]))) ?? NO_HASH)
    expect(more).toEqual([])
    expect(genesis?.prev).toEqual(NO_HASH)
  })

  it('is told that a share is not found, by its hash', async () => {
    const nobody = Buffer.alloc(32, 0xee)
    expect(await peer.ask(getShare(nobody))).toEqual(Buffer.concat([Buffer.from([1, 0]), nobody]))
  })

  it('pushes a share, and gets by push the next one that the node finds', async () => {
    const [theirs, ours] = builder.row(shares.at(-1)?.hash ?? builder.genesis, 2)
    if (theirs === undefined || ours === undefined) throw new Error('two were built')
    await push(theirs)
    live.found(ours)
    const expected = shareBlock(encodeShare(ours))
    await peer.until(() => peer.asked.some(({ payload }) => payload.equals(expected)))
  })

  it('is asked for a share that it tells of in an inventory', async () => {
    const [told] = builder.row(builder.known.confirmedTip().hash, 1)
    if (told === undefined) throw new Error('one was built')
    const wanted = getShare(wire(told))
    peer.answers = payload => (payload.equals(wanted) ? shareBlock(encodeShare(told)) : ACK)
    expect(await peer.ask(inventory([wire(told)]))).toEqual(ACK)
    await live.until(() => live.node.tip === told.hash)
  })

  it('hears shares in their topic as one of ours, and is heard there', async () => {
    const other = await RawPeer.dial({ port: live.port, base: live.base, isOurs: true })
    const topic = other.topic('shares')
    const out = await other.joinTopics()
    await live.until(() =>
      live.told.some(event => event.type === 'peerConnected' && event.peer === other.name && event.dialect === 'ours')
    )
    out.write(graft(topic))
    const [theirs, ours] = builder.row(builder.known.confirmedTip().hash, 2)
    if (theirs === undefined || ours === undefined) throw new Error('two were built')
    out.write(publish(topic, encodeShare(theirs)))
    await live.until(() => live.node.tip === theirs.hash)
    live.found(ours)
    const heard = () => other.heard.flatMap(({ messages }) => messages)
    await other.until(() => heard().length > 0)
    expect(heard()).toEqual([{ topic, data: Buffer.from(encodeShare(ours)), fields: [2, 4] }])
    // By topic, so not by push as well.
    expect(other.asked.filter(({ payload }) => payload[0] === 5)).toEqual([])
    other.close()
  })
})
