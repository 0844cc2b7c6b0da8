import { durationText } from '@p2poolv2/earnings/words'

/** "3 min", "2 h 10 min", "5 days": how long something lasted, in at most two units. For columns; sentences use `durationText`. */
export function spanText(sec: number): string {
  const whole = Math.max(0, Math.floor(sec))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min`
  if (whole < 86_400) return joined(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min')
  return joined(Math.floor(whole / 86_400), whole < 172_800 ? 'day' : 'days', Math.floor((whole % 86_400) / 3600), 'h')
}

function joined(first: number, firstUnit: string, second: number, secondUnit: string): string {
  return second === 0 ? `${first} ${firstUnit}` : `${first} ${firstUnit} ${second} ${secondUnit}`
}

/** "12 seconds ago". A clock that differs a little makes nothing come from the future. */
export function agoText(atSec: number, nowSec: number): string {
  const sec = nowSec - atSec
  return sec < 1 ? 'just now' : `${durationText(sec)} ago`
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23'
})
const DATE = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23'
})

/** Time of day, where it was within the last day; else date and time. In the reader's zone. */
export function momentText(atSec: number, nowSec: number): string {
  return (nowSec - atSec < 86_400 ? CLOCK : DATE).format(atSec * 1000)
}
