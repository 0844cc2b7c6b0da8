import { type Moment, steadyMs, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import type { Alert } from './alert.ts'
import { MAX_HELD, parseQuietRange, QuietHours } from './quiet-hours.ts'

const MINUTE_MS = 60_000
/** Midnight somewhere. */
const at = (hour: number, minute = 0): Moment => {
  const ms = (hour * 60 + minute) * MINUTE_MS
  return { wallMs: unixMs(ms), steadyMs: steadyMs(ms) }
}
const minuteOfDay = (wallMs: number): number => Math.floor(wallMs / MINUTE_MS) % 1_440
const alert = (title: string, hour: number): Alert => ({
  rule: 'block-found',
  state: 'told',
  title,
  text: 'it happened.',
  atSec: hour * 3_600
})

it.each([
  ['22:00-07:00', { fromMinute: 1_320, toMinute: 420 }],
  ['0:00-6:30', { fromMinute: 0, toMinute: 390 }],
  ['7:00-7:00', null],
  ['22-7', null],
  ['24:00-07:00', null],
  ['22:60-07:00', null],
  ['', null]
])('reads %j', (text, range) => {
  expect(parseQuietRange(text)).toEqual(range)
})

it('keeps what comes at night, over midnight as well, and says it in the morning in one message', () => {
  const quiet = new QuietHours({ range: parseQuietRange('22:00-07:00'), minuteOfDay })
  expect(quiet.pass([alert('A', 21)], at(21, 59))).toHaveLength(1)
  expect(quiet.pass([alert('B', 22)], at(22))).toEqual([])
  expect(quiet.pass([alert('C', 26)], at(26))).toEqual([])
  expect(quiet.pass([], at(30, 59))).toEqual([])
  const [summary, ...more] = quiet.pass([alert('D', 31)], at(31))
  expect(summary?.title).toBe('2 alerts of the quiet hours')
  expect(summary?.text).toBe('22:00 B: it happened.\n02:00 C: it happened.')
  expect(more.map(({ title }) => title)).toEqual(['D'])
  expect(quiet.pass([], at(31, 1))).toEqual([])
})

it('says a single one as it is', () => {
  const quiet = new QuietHours({ range: parseQuietRange('1:00-2:00'), minuteOfDay })
  quiet.pass([alert('B', 1)], at(1))
  expect(quiet.pass([], at(2))).toEqual([alert('B', 1)])
})

it('keeps no more than its cap and says how many are left out', () => {
  const quiet = new QuietHours({ range: parseQuietRange('1:00-2:00'), minuteOfDay })
  for (let count = 0; count < MAX_HELD + 3; count++) quiet.pass([alert(`N${count}`, 1)], at(1))
  const [summary] = quiet.pass([], at(2))
  expect(summary?.text.split('\n')).toHaveLength(MAX_HELD + 1)
  expect(summary?.text).toContain('3 older ones are left out')
  expect(summary?.text).not.toContain('N2:')
})

it('is never quiet without a range', () => {
  const quiet = new QuietHours({ range: null, minuteOfDay })
  expect(quiet.pass([alert('A', 3)], at(3))).toHaveLength(1)
})
