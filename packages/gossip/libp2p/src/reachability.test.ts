import '@p2poolv2/runtime/with-resolvers'
import { networkNames } from '@p2poolv2/gossip'
import { steadyMs } from '@p2poolv2/primitives'
import { systemClock } from '@p2poolv2/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { SETTLED_MS } from './reachability.ts'
import { Loopback, testParams } from './testing/loopback.ts'

const DIALBACK = networkNames(testParams()).dialback

describe('whether others can dial a node', () => {
  const loopback = new Loopback()
  let aheadMs = 0
  const clock = {
    now: () => {
      const { wallMs, steadyMs: now } = systemClock().now()
      return { wallMs, steadyMs: steadyMs(now + aheadMs) }
    }
  }

  afterEach(async () => {
    await loopback.stop()
    aheadMs = 0
  })

  it('is found out by a neighbour that dials it back, and both stay connected', async () => {
    const [node, neighbour] = [await loopback.start({ clock }), await loopback.start({ clock })]
    await loopback.join(node, neighbour)
    expect(await node.network.checkReachability()).toBe('unknown')
    aheadMs += SETTLED_MS
    expect(await node.network.checkReachability()).toBe('reachable')
    expect(await neighbour.network.checkReachability()).toBe('reachable')
    expect([node, neighbour].flatMap(({ network }) => network.connections())).toHaveLength(2)
    expect([node, neighbour].flatMap(({ told }) => told.filter(({ type }) => type === 'peerGone'))).toEqual([])
  })

  it('is not asked without a port, and somebody else at it does not count', async () => {
    // Where it says it listens, somebody else does.
    const closed = await loopback.start()
    const node = await loopback.start({ clock, listen: [] })
    expect(await node.network.checkReachability()).toBe('unknown')
    const neighbours = [await loopback.start({ clock }), await loopback.start({ clock })]
    for (const neighbour of neighbours) await loopback.join(node, neighbour)
    aheadMs += SETTLED_MS
    // Without a port there is nothing to ask.
    expect(await node.network.checkReachability()).toBe('unknown')
    const port = closed.network.port ?? 0
    const words = neighbours.map(({ network: { peer } }) =>
      node.network.ask({
        peer,
        protocol: DIALBACK,
        payload: Uint8Array.of(port & 0xff, port >>> 8),
        timeoutMs: 20_000
      })
    )
    expect(await Promise.all(words)).toEqual(words.map(() => ({ type: 'answer', payload: Uint8Array.of(0) })))
  })

  it('is tried for each at its own host alone, once a minute', async () => {
    const [node, neighbour] = [await loopback.start({ clock }), await loopback.start({ clock })]
    await loopback.join(node, neighbour)
    aheadMs += SETTLED_MS
    const ask = (...payload: number[]) =>
      node.network.ask({
        peer: neighbour.network.peer,
        protocol: DIALBACK,
        payload: Uint8Array.from(payload),
        timeoutMs: 20_000
      })
    const nothing = { type: 'answer', payload: null }
    const port = node.network.port ?? 0
    expect(await ask(1)).toEqual(nothing)
    expect(await ask(0, 0)).toEqual(nothing)
    expect(await ask(port & 0xff, port >>> 8)).toEqual({ type: 'answer', payload: Uint8Array.of(1) })
    expect(await ask(port & 0xff, port >>> 8)).toEqual(nothing)
    aheadMs += 60_000
    expect(await ask(port & 0xff, port >>> 8)).toEqual({ type: 'answer', payload: Uint8Array.of(1) })
  })
})
