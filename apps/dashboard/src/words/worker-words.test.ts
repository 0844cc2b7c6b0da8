import { expect, it } from 'vitest'
import { goneDash, isLongGone } from './worker-words.ts'

const NOW_SEC = 1_800_000_000

it('a miner is folded away after a day, and never while it is connected', () => {
  const isLong = (state: 'online' | 'silent' | 'offline', lastSeen: number | null): boolean =>
    isLongGone({ state, lastSeen }, NOW_SEC)
  expect(isLong('offline', NOW_SEC - 86_399)).toBe(false)
  expect(isLong('offline', NOW_SEC - 86_400)).toBe(true)
  expect(isLong('offline', null)).toBe(true)
  expect(isLong('silent', NOW_SEC - 900_000)).toBe(false)
  expect(isLong('online', null)).toBe(false)
})

it('one that is gone has a dash where there is no figure', () => {
  expect([
    goneDash({ state: 'offline' }, 0),
    goneDash({ state: 'offline' }, 3),
    goneDash({ state: 'online' }, 0)
  ]).toEqual(['–', null, null])
})
