import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from './contract.ts'
import { LineBudget, MAX_PAUSE_MS } from './line-budget.ts'

const LIMITS = { linesPerSec: 100, burstLines: 500 }

/** Reads whenever it may, as much as is there. @returns lines read and milliseconds spent paused */
function readAll(
  budget: LineBudget,
  arrivals: readonly { readonly atMs: number; readonly lines: number }[],
  untilMs: number
): { read: number; pausedMs: number } {
  let [read, pausedMs, busyUntilMs] = [0, 0, 0]
  for (const { atMs, lines } of arrivals) {
    const nowMs = Math.max(atMs, busyUntilMs)
    if (nowMs >= untilMs) break
    const pauseMs = budget.spend(lines, nowMs)
    read += lines
    pausedMs += pauseMs
    busyUntilMs = nowMs + pauseMs
  }
  return { read, pausedMs }
}

const every = (ms: number, lines: number, count: number) =>
  Array.from({ length: count }, (_, number) => ({ atMs: number * ms, lines }))

describe('LineBudget', () => {
  it('lets a burst pass and pauses for the rest of it', () => {
    const budget = new LineBudget(LIMITS, 0)
    expect(budget.spend(500, 0)).toBe(0)
    expect(budget.spend(30, 0)).toBe(300)
    expect(budget.spend(1, 300)).toBe(10)
  })

  it('never pauses for longer than a second, whatever is read', () => {
    const budget = new LineBudget(LIMITS, 0)
    expect(budget.spend(1_000_000, 0)).toBe(MAX_PAUSE_MS)
    expect(budget.spend(1, MAX_PAUSE_MS)).toBe(10)
  })

  it('reads a flood of small reads no faster than the rate after the burst', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (lines, ms) => {
        const { read } = readAll(new LineBudget(LIMITS, 0), every(ms, lines, 60_000), 60_000)
        expect(read).toBeLessThanOrEqual(LIMITS.burstLines + 60 * LIMITS.linesPerSec + lines)
      })
    )
  })

  it('a clock that steps back pauses nobody for it', () => {
    const budget = new LineBudget(LIMITS, 1_000_000)
    expect(budget.spend(400, 0)).toBe(0)
    expect(budget.spend(100, 1_000)).toBe(0)
  })
})

describe('an honest connection is never paused:', () => {
  const pausedBy = (arrivals: readonly { atMs: number; lines: number }[]): number =>
    readAll(new LineBudget(DEFAULT_LIMITS, 0), arrivals, Number.POSITIVE_INFINITY).pausedMs

  it('a proxy with hundreds of workers, each at the rate that vardiff aims at', () => {
    expect(pausedBy(every(1_000, 500 * 0.3, 3_600))).toBe(0)
  })

  it('a petahash at the start difficulty until vardiff has caught it, with jobs on their way for two more seconds', () => {
    const submitsPerSec = 1e15 / (1024 * 2 ** 32)
    expect(pausedBy([...every(100, submitsPerSec / 10, 40), ...every(1_000, 2, 600)])).toBe(0)
  })

  it('a proxy that gives in what it kept during an outage', () => {
    expect(pausedBy([{ atMs: 0, lines: 3_000 }, ...every(1_000, 90, 600)])).toBe(0)
  })
})
