import { sha256d } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { nodeSha256d, systemClock, systemRng } from './ports.ts'
import './with-resolvers.ts'

describe('the ports of Node.js', () => {
  it('hash as the portable code does, at every length', () => {
    for (const length of [0, 1, 55, 56, 64, 80, 119, 1_000, 70_000]) {
      const data = systemRng().bytes(length)
      expect(nodeSha256d(data), `${length} bytes`).toEqual(sha256d(data))
    }
  })

  it('give whole milliseconds, the steady ones never falling', () => {
    const clock = systemClock()
    let last = clock.now()
    for (let i = 0; i < 1_000; i++) {
      const now = clock.now()
      expect([now.wallMs, now.steadyMs].every(Number.isSafeInteger)).toBe(true)
      expect(now.steadyMs).toBeGreaterThanOrEqual(last.steadyMs)
      last = now
    }
  })

  it('give chance in the asked shape', () => {
    const rng = systemRng()
    expect(rng.bytes(32)).toHaveLength(32)
    expect(rng.bytes(32)).not.toEqual(rng.bytes(32))
    const draw = rng.u32()
    expect(Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32).toBe(true)
  })

  it('include Promise.withResolvers', async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    resolve(7)
    expect(await promise).toBe(7)
    const failing = Promise.withResolvers<number>()
    failing.reject(new Error('no'))
    await expect(failing.promise).rejects.toThrow('no')
  })
})
