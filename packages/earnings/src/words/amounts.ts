/** Numbers as people say them. Plain English; a page in another language has the numbers themselves. */
const UNITS: readonly (readonly [name: string, sec: number, fromSec: number])[] = [
  ['year', 31_557_600, 2 * 31_557_600],
  ['day', 86_400, 1.5 * 86_400],
  ['hour', 3600, 1.5 * 3600],
  ['minute', 60, 90],
  ['second', 1, 1]
]

/** "9.6 days", "19 years", "75 minutes": one unit, two digits; a larger unit only where it has something to say. */
export function durationText(sec: number): string {
  if (!Number.isFinite(sec)) return 'for ever'
  const unit = UNITS.find(([, , fromSec]) => sec >= fromSec)
  if (unit === undefined) return 'less than a second'
  const amount = twoDigits(sec / unit[1])
  return `${amount} ${unit[0]}${amount === '1' ? '' : 's'}`
}

/** "in about 12 days", "in less than a second". */
export function inAboutText(sec: number): string {
  const text = durationText(sec)
  return text.startsWith('less') ? `in ${text}` : `in about ${text}`
}

/** "1 in 3", "63 in 100"; "almost certain" from 99.9 %, "next to none" below one in a million. */
export function chanceText(chance: number): string {
  if (chance >= 0.999) return 'almost certain'
  if (chance < 1e-6) return 'next to none'
  if (chance > 0.5) return `${Math.round(chance * 100)} in 100`
  return `1 in ${twoDigits(1 / chance)}`
}

/** "18 %", "0.2 %", "over 99.9 %". */
export function percentText(part: number): string {
  if (part === 0) return '0 %'
  if (part > 0.999 && part < 1) return 'over 99.9 %'
  if (part < 0.0001) return 'under 0.01 %'
  return `${twoDigits(part * 100)} %`
}

/** "2,583 sats". */
export function satsText(sats: bigint | number): string {
  const whole = typeof sats === 'bigint' ? sats.toString() : Math.round(sats).toString()
  return `${grouped(whole)} ${whole === '1' ? 'sat' : 'sats'}`
}

/** "270,000,000 sats" for 269,995,518: three digits, for what is an average and not a sum that will be paid. */
export function aboutSatsText(sats: number): string {
  return satsText(Number(sats.toPrecision(3)))
}

/** "38 sat/vB", rounded down. */
export function feeRateText(satPerVb: number): string {
  return `${grouped(String(Math.floor(satPerVb)))} sat/vB`
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'] as const

/** "1.2 TH/s", three digits. */
export function hashrateText(hps: number): string {
  let [value, step] = [hps, 0]
  // What would round to 1000 takes the next prefix.
  for (; value >= 999.5 && step < PREFIXES.length - 1; step++) value /= 1000
  const digits = value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
  return `${digits} ${PREFIXES[step]}H/s`
}

function twoDigits(value: number): string {
  return value >= 9.95 ? grouped(String(Math.round(value))) : String(Number(value.toPrecision(2)))
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',')
}
