import { unixMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

it('runs happenings in order of time, and equal times in the order they were asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), delays => {
      const clock = new VirtualClock(unixMs(1_000))
      const seen: number[] = []
      for (const [i, delay] of delays.entries()) clock.after(delay, () => seen.push(i))
      while (clock.runNext(unixMs(5_000)));
      const expected = delays.map((delay, i) => ({ delay, i })).sort((a, b) => a.delay - b.delay || a.i - b.i)
      expect(seen).toEqual(expected.map(({ i }) => i))
    })
  )
})

it('stops at the time asked for and keeps what comes later', () => {
  const clock = new VirtualClock(unixMs(0))
  const seen: number[] = []
  for (const atMs of [10, 20, 30]) clock.at(atMs, () => seen.push(clock.nowMs))
  while (clock.runNext(unixMs(25)));
  expect(seen).toEqual([10, 20])
  expect(clock.nowMs).toBe(25)
  expect(clock.pending).toBe(1)
})

it('takes what should have happened already as due now', () => {
  const clock = new VirtualClock(unixMs(100))
  let at = 0
  clock.at(5, () => {
    at = clock.nowMs
  })
  clock.runNext(unixMs(200))
  expect(at).toBe(100)
})
