import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ACK, handshake, inventory, NO_HASH } from '../wire/raw/messages.ts'
import { graft, publish } from '../wire/raw/pubsub.ts'
import { RawPeer } from '../wire/raw/raw-peer.ts'
import { RustPeer } from './rust-peer.ts'

const built = inject('rustPeer')
const BASE = '/p2pool/signet/8b0d970f'
const SHARES = `${BASE}/topic/shares/1.0.0`

// Each proves the other: neither has a line in common with the project or with one another.
describe.skipIf('missing' in built)('the raw client and the Rust peer', () => {
  let rust: RustPeer
  let raw: RawPeer

  beforeAll(async () => {
    if (!('program' in built)) return
    rust = await RustPeer.start(built.program, BASE)
    await rust.answer(Buffer.from([8]), ACK)
    raw = await RawPeer.dial({ port: rust.port, base: BASE, isOurs: true })
  })

  afterAll(async () => {
    raw?.close()
    await rust?.stop()
  })

  it('know each other by the same names', async () => {
    expect(raw.remote).toBe(rust.name)
    await rust.until('the client', told => told.event === 'connected' && told.peer === raw.name)
  })

  it('identify each other', async () => {
    const { agent, protocolVersion, protocols } = await raw.identify()
    expect(agent).toBe('p2poolv2-test-rust/0.1.0')
    expect(protocolVersion).toBe(`${BASE}/1.0.0`)
    expect(protocols).toContain(`${BASE}/kad/1.0.0`)
    const told = await rust.until('the agent', ({ event }) => event === 'identified')
    expect(told.agent).toBe('p2poolv2-test-raw/0.1.0')
    expect(told.protocols).toContain(`${BASE}/templates/1.0.0`)
  })

  it('answer pings', async () => {
    expect(await raw.ping()).toBe(true)
    await rust.until('a ping', ({ event, ok }) => event === 'pinged' && ok === true)
  })

  it('ask and answer both ways, also without data', async () => {
    expect(await raw.ask(handshake(0, NO_HASH))).toEqual(ACK)
    expect(await raw.ask(inventory([]))).toBe(null)
    expect(await rust.ask(raw.name, inventory([NO_HASH]))).toEqual(ACK)
    expect(raw.asked).toEqual([{ protocol: `${BASE}/1.0.0`, payload: inventory([NO_HASH]) }])
    expect(await rust.ask(raw.name, ACK)).toBe(null)
  })

  it('carry the largest payload both ways', async () => {
    const largest = Buffer.alloc(1_048_576, 3)
    await rust.answer(Buffer.from([3]), largest)
    expect((await raw.ask(largest))?.equals(largest)).toBe(true)
    raw.answers = payload => payload
    expect((await rust.ask(raw.name, largest))?.equals(largest)).toBe(true)
  })

  it('hear each other in a topic, unsigned and named by content', async () => {
    const out = await raw.joinTopics()
    out.write(graft(SHARES))
    await rust.until('the subscription', ({ event, topic }) => event === 'subscribed' && topic === 'shares')
    out.write(publish(SHARES, Buffer.from('one')))
    const told = await rust.until('the message', ({ event }) => event === 'gossip')
    // First 20 bytes of SHA256 of `sharesone`.
    expect(told).toMatchObject({ topic: 'shares', payload: '6f6e65', id: '16c1334eb88d2732c2ab6fbd8c86f0d8c29edb21' })
    rust.command('publish', { topic: 'shares', payload: '74776f' })
    await raw.until(() => raw.heard.some(({ messages }) => messages.length > 0))
    const [message] = raw.heard.flatMap(({ messages }) => messages)
    expect(message).toEqual({ topic: SHARES, data: Buffer.from('two'), fields: [2, 4] })
  })

  it('cannot even shake hands under another tag', async () => {
    await expect(RawPeer.dial({ port: rust.port, base: '/p2pool/signet/00000000' })).rejects.toThrow()
    expect(await raw.ping()).toBe(true)
  })
})
