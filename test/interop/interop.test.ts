import { encodeShare, type Share } from '@p2poolv2/consensus'
import { wireFromDisplay } from '@p2poolv2/primitives'
import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { LiveNode } from '../wire/live-node.ts'
import {
  ACK,
  getShare,
  getShareHeaders,
  handshake,
  inventory,
  isHeaderOf,
  NO_HASH,
  readHeaderBatch,
  readShare,
  shareBlock
} from '../wire/raw/messages.ts'
import { RustPeer } from './rust-peer.ts'

const built = inject('rustPeer')
const COUNT = 30

describe.skipIf('missing' in built).each([
  { who: 'the Rust peer', weDial: false },
  { who: 'our node', weDial: true }
])('our node and a Rust peer, when $who is dialled by the other', ({ weDial }) => {
  const builder = new ChainBuilder()
  const shares = builder.row(builder.genesis, COUNT)
  let live: LiveNode
  let rust: RustPeer

  beforeAll(async () => {
    if (!('program' in built)) return
    live = await LiveNode.start(builder.params, shares)
    rust = await RustPeer.start(built.program, live.base)
    for (const type of [0, 5, 8]) await rust.answer(Buffer.from([type]), ACK)
    if (weDial) await live.network.connect(rust.address, null)
    else rust.command('dial', { address: live.address })
  })

  afterAll(async () => {
    await rust?.stop()
    await live?.stop()
  })

  const us = (): string => live.network.peer
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const wire = (share: Share | undefined): Buffer => Buffer.from(wireFromDisplay(share?.hash ?? builder.genesis))
  const next = (count: number): Share[] => builder.row(builder.known.confirmedTip().hash, count)

  it('shake hands with the prologue, and know each other for one of ours', async () => {
    const direction = weDial ? 'inbound' : 'outbound'
    await rust.until('us', told => told.event === 'connected' && told.peer === us() && told.direction === direction)
    await live.until(() => live.told.some(event => event.type === 'peerConnected'))
    expect(live.told.filter(event => event.type === 'peerConnected')).toEqual([
      { type: 'peerConnected', peer: rust.name, direction: weDial ? 'outbound' : 'inbound', dialect: 'ours' }
    ])
  })

  it('identify each other', async () => {
    const told = await rust.until('us', ({ event, peer }) => event === 'identified' && peer === us())
    expect(told).toMatchObject({ agent: 'p2poolv2-ts/0.0.0', protocolVersion: `${live.base}/1.0.0` })
    expect(told.protocols).toEqual(
      expect.arrayContaining([`${live.base}/1.0.0`, `${live.base}/kad/1.0.0`, '/ipfs/ping/1.0.0', '/meshsub/1.1.0'])
    )
    expect(live.network.connections()[0]?.agent).toBe('p2poolv2-test-rust/0.1.0')
  })

  it('answer its ping, and find ourselves in its Kademlia', async () => {
    await rust.until('a ping', ({ event, ok }) => event === 'pinged' && ok === true)
    await rust.until('a route', ({ event, peer }) => event === 'routed' && peer === us())
    rust.command('find', { peer: rust.name })
    await rust.until('the end of its search', ({ event, ok }) => event === 'found' && ok === true)
  })

  it('tell each other their tips', async () => {
    const told = await rust.until(
      'our handshake',
      ({ event, payload }) => event === 'request' && payload?.startsWith('08') === true
    )
    expect(told.payload).toBe(hex(handshake(COUNT, wire(shares.at(-1)))))
    expect(told.answer).toBe(hex(ACK))
    expect(await rust.ask(us(), handshake(0, wire(undefined)))).toEqual(ACK)
  })

  it('give it every header and a body', async () => {
    const batch = readHeaderBatch((await rust.ask(us(), getShareHeaders([wire(undefined)]))) ?? NO_HASH)
    expect(batch).toHaveLength(COUNT)
    expect(batch.slice(1).map(({ prev }) => prev)).toEqual(shares.slice(0, -1).map(share => wire(share)))
    const { hash, header } = readShare((await rust.ask(us(), getShare(wire(shares[6])))) ?? NO_HASH)
    expect(hash).toEqual(wire(shares[6]))
    expect(batch[6] !== undefined && isHeaderOf(batch[6], header)).toBe(true)
  })

  it('take a body that it has when it tells of one', async () => {
    const [share] = next(1)
    if (share === undefined) throw new Error('one was built')
    await rust.answer(getShare(wire(share)), shareBlock(encodeShare(share)))
    expect(await rust.ask(us(), inventory([wire(share)]))).toEqual(ACK)
    await live.until(() => live.node.tip === share.hash)
  })

  it('take a share that it pushes', async () => {
    const [share] = next(1)
    if (share === undefined) throw new Error('one was built')
    expect(await rust.ask(us(), shareBlock(encodeShare(share)))).toEqual(ACK)
    await live.until(() => live.node.tip === share.hash)
  })

  it('hear its shares in the topic, and are heard there', async () => {
    const [theirs, ours] = next(2)
    if (theirs === undefined || ours === undefined) throw new Error('two were built')
    await rust.until(
      'our subscription',
      ({ event, topic, peer }) => event === 'subscribed' && topic === 'shares' && peer === us()
    )
    rust.command('publish', { topic: 'shares', payload: hex(encodeShare(theirs)) })
    await live.until(() => live.node.tip === theirs.hash)
    live.found(ours)
    const told = await rust.until(
      'our share',
      ({ event, payload }) => event === 'gossip' && payload === hex(encodeShare(ours))
    )
    expect(told).toMatchObject({ topic: 'shares', peer: us() })
    // Whoever is in the topic is not pushed to as well.
    expect(rust.told.filter(({ event, payload }) => event === 'request' && payload?.startsWith('05') === true)).toEqual(
      []
    )
  })

  it('carry the largest payload of a request', async () => {
    const largest = Buffer.alloc(1_048_576, 0x77)
    expect(await rust.ask(us(), largest)).toBe(null)
    expect(await rust.ask(us(), inventory([]))).toEqual(ACK)
  })

  it('part, and are told of it', async () => {
    rust.command('disconnect', { peer: us() })
    await live.until(() => live.told.some(event => event.type === 'peerGone'))
    expect(live.network.connections()).toEqual([])
  })
})

describe.skipIf('missing' in built)('our node and a Rust peer that is in no topic', () => {
  const builder = new ChainBuilder()
  let live: LiveNode
  let rust: RustPeer

  beforeAll(async () => {
    if (!('program' in built)) return
    live = await LiveNode.start(builder.params, builder.row(builder.genesis, 3))
    rust = await RustPeer.start(built.program, live.base, 'reference')
    for (const type of [0, 5, 8]) await rust.answer(Buffer.from([type]), ACK)
    rust.command('dial', { address: live.address })
  })

  afterAll(async () => {
    await rust?.stop()
    await live?.stop()
  })

  it('push shares to each other', async () => {
    await live.until(() => live.told.some(event => event.type === 'peerConnected' && event.dialect === 'reference'))
    const [theirs, ours] = builder.row(builder.known.confirmedTip().hash, 2)
    if (theirs === undefined || ours === undefined) throw new Error('two were built')
    expect(await rust.ask(live.network.peer, shareBlock(encodeShare(theirs)))).toEqual(ACK)
    await live.until(() => live.node.tip === theirs.hash)
    live.found(ours)
    const pushed = Buffer.from(shareBlock(encodeShare(ours))).toString('hex')
    const told = await rust.until('our share', ({ event, payload }) => event === 'request' && payload === pushed)
    expect(told).toMatchObject({ protocol: 'shares', answer: '09' })
  })
})
