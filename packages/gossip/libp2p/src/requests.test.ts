import '@p2poolv2/runtime/with-resolvers'
import { MAX_PAYLOAD_BYTES } from '@p2poolv2/gossip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Loopback, type LoopbackNode } from './testing/loopback.ts'

const ECHO = '/p2pool/test/echo/1.0.0'

describe('requests', () => {
  const loopback = new Loopback()
  const { changes } = loopback
  let a: LoopbackNode
  let b: LoopbackNode

  beforeEach(async () => {
    a = await loopback.start()
    b = await loopback.start()
    await loopback.join(a, b)
  })

  afterEach(async () => {
    await loopback.stop()
  })

  const ask = (requestId: number, payload: Uint8Array) =>
    a.network.perform({
      type: 'request',
      peer: b.network.peer,
      requestId,
      protocol: 'shares',
      payload,
      timeoutMs: 5_000
    })
  const asked = () => b.told.flatMap(event => (event.type === 'peerRequest' ? [event] : []))
  const failed = () => a.told.flatMap(event => (event.type === 'requestFailed' ? [event] : []))
  const echo = (protocol = ECHO) =>
    a.network.ask({ peer: b.network.peer, protocol, payload: Uint8Array.of(1, 2), timeoutMs: 5_000 })

  it('of a peer are held to two of the largest until they are answered', async () => {
    for (let id = 1; id <= 3; id++) ask(id, new Uint8Array(MAX_PAYLOAD_BYTES).fill(id))
    await changes.until(() => asked().length === 2 && failed().length === 1)
    expect(failed()[0]?.reason).toBe('refused')
    for (const { peer, requestId } of asked()) {
      b.network.perform({ type: 'respond', peer, requestId, payload: Uint8Array.of(9) })
    }
    await changes.until(() => a.told.filter(({ type }) => type === 'peerResponse').length === 2)
    await changes.until(() => b.told.filter(({ type }) => type === 'responded').length === 2)
    ask(4, new Uint8Array(MAX_PAYLOAD_BYTES))
    await changes.until(() => asked().length === 3)
  })

  it('are over at once when the peer goes, whoever waits', async () => {
    await b.network.serve(ECHO, () => new Promise(() => undefined))
    const answer = echo()
    b.network.close(a.network.peer, 'enough')
    expect(await answer).toEqual({ type: 'failed', reason: 'closed' })
    expect(await echo()).toEqual({ type: 'failed', reason: 'closed' })
  })

  it('of a protocol of our own are served beside the machine, and refused where nobody serves it', async () => {
    expect(await echo()).toEqual({ type: 'failed', reason: 'refused' })
    await b.network.serve(ECHO, async ({ payload }) => payload.reverse())
    expect(await echo()).toEqual({ type: 'answer', payload: Uint8Array.of(2, 1) })
    expect(asked()).toEqual([])
  })

  it('that a handler fails at are closed without an answer', async () => {
    await b.network.serve(ECHO, async () => {
      throw new Error('it fails')
    })
    expect(await echo()).toEqual({ type: 'answer', payload: null })
  })
})
