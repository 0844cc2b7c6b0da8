import { describe, expect, it } from 'vitest'
import { Bell, backOffMs, pause } from './waiting.ts'

const never = new AbortController().signal

describe('waiting', () => {
  it('backs off from 0.1 s to 5 s', () => {
    const waits = Array.from({ length: 9 }, (_, attempt) => backOffMs(attempt, { minMs: 100, maxMs: 5_000 }))
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    expect(backOffMs(1e9, { minMs: 100, maxMs: 5_000 })).toBe(5_000)
  })

  it('a pause ends at its signal', async () => {
    const stop = new AbortController()
    const paused = pause(1e9, stop.signal)
    stop.abort()
    await paused
    await pause(1e9, stop.signal)
  })

  it('a bell wakes who waits, and remembers one ring for who does not', async () => {
    const bell = new Bell()
    const waiting = bell.wait(1e9, never)
    bell.ring()
    await waiting
    bell.ring()
    bell.ring()
    await bell.wait(1e9, never)
    const fromMs = performance.now()
    await bell.wait(30, never)
    expect(performance.now() - fromMs).toBeGreaterThan(25)
  })

  it('a wait for a bell ends at its signal', async () => {
    const stop = new AbortController()
    const waiting = new Bell().wait(1e9, stop.signal)
    stop.abort()
    await waiting
    await new Bell().wait(1e9, stop.signal)
  })
})
