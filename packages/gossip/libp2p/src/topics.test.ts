import '@p2poolv2/runtime/with-resolvers'
import { messageId } from '@p2poolv2/gossip'
import { afterEach, describe, expect, it } from 'vitest'
import { isConnected, Loopback, type LoopbackNode } from './testing/loopback.ts'

describe('topics', () => {
  const loopback = new Loopback()
  const { changes } = loopback

  afterEach(async () => {
    await loopback.stop()
  })

  const heard = (node: LoopbackNode) => node.told.flatMap(event => (event.type === 'gossip' ? [event] : []))

  it('carry a message, named by its content', async () => {
    const [a, b] = [await loopback.start(), await loopback.start()]
    await loopback.join(a, b)
    const data = Uint8Array.of(1, 2, 3)
    a.network.perform({ type: 'publish', topic: 'templates', data })
    await changes.until(() => heard(b).length === 1)
    const id = messageId('templates', data)
    expect(heard(b)).toEqual([{ type: 'gossip', peer: a.network.peer, topic: 'templates', messageId: id, data }])
  })

  it('carry none that is larger than the topic allows', async () => {
    const [a, b] = [await loopback.start(), await loopback.start()]
    await loopback.join(a, b)
    a.network.perform({ type: 'publish', topic: 'templates', data: new Uint8Array(257) })
    a.network.perform({ type: 'publish', topic: 'templates', data: Uint8Array.of(1) })
    await changes.until(() => heard(b).length > 0)
    expect(heard(b).map(({ data }) => data.length)).toEqual([1])
  })

  it('pass nothing on that is judged twice or too late', async () => {
    const nodes = [await loopback.start(), await loopback.start(), await loopback.start()] as const
    const [a, b, c] = nodes
    await loopback.join(a, b)
    await loopback.join(b, c)
    a.network.perform({ type: 'publish', topic: 'shares', data: Uint8Array.of(1) })
    await changes.until(() => heard(b).length === 1)
    const [message] = heard(b)
    for (const verdict of ['ignore', 'accept'] as const) {
      b.network.perform({ type: 'verdict', peer: a.network.peer, messageId: message?.messageId ?? '', verdict })
    }
    b.network.perform({ type: 'publish', topic: 'shares', data: Uint8Array.of(2) })
    await changes.until(() => heard(c).length > 0)
    expect(heard(c).map(({ data }) => data[0])).toEqual([2])
  })

  it('say who was first to bring a share that is passed on', async () => {
    const [a, b] = [await loopback.start(), await loopback.start()]
    await loopback.join(a, b)
    for (const [n, verdict] of (['ignore', 'reject', 'accept'] as const).entries()) {
      a.network.perform({ type: 'publish', topic: 'shares', data: Uint8Array.of(n) })
      await changes.until(() => heard(b).length === n + 1)
      const { messageId = '' } = heard(b)[n] ?? {}
      b.network.perform({ type: 'verdict', peer: a.network.peer, messageId, verdict })
    }
    expect(b.peering.filter(({ type }) => type === 'useful')).toEqual([{ type: 'useful', peer: a.network.peer }])
  })

  it('are closed to a peer that floods them', async () => {
    const [a, b] = [await loopback.start(), await loopback.start()]
    await loopback.join(a, b)
    for (let n = 0; n < 3_000; n++) {
      a.network.perform({ type: 'publish', topic: 'shares', data: Uint8Array.of(n & 0xff, n >>> 8) })
    }
    await changes.until(() => !isConnected(b, a))
    expect(b.peering.find(({ type }) => type === 'dropped')).toMatchObject({
      peer: a.network.peer,
      reason: 'topic-flood'
    })
    expect(heard(b).length).toBeLessThan(2_500)
    await loopback.dial(a, b)
    expect(isConnected(b, a)).toBe(false)
  })
})
