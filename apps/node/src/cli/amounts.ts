/** Numbers as the command line says them: short, three digits. */

/** `1,234,567` */
export function grouped(value: number | bigint | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'] as const

/** `1.23 T` of a difficulty, three digits. */
export function scaled(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(2)
  let [rest, step] = [value, 0]
  for (; rest >= 999.5 && step < PREFIXES.length - 1; step++) rest /= 1_000
  const digits = rest >= 100 ? String(Math.round(rest)) : String(Number(rest.toPrecision(3)))
  return `${digits}${PREFIXES[step] === '' ? '' : ` ${PREFIXES[step]}`}`
}

/** `45 s`, `12 min`, `3 h`, `5 days`: one unit, rounded down. */
export function span(sec: number): string {
  if (sec < 100) return `${Math.max(0, Math.floor(sec))} s`
  if (sec < 6_000) return `${Math.floor(sec / 60)} min`
  return sec < 172_800 ? `${Math.floor(sec / 3_600)} h` : `${grouped(Math.floor(sec / 86_400))} days`
}

/** `12 min ago`; a dash for null. */
export function ago(atSec: number | null, nowSec: number): string {
  return atSec === null ? '–' : `${span(nowSec - atSec)} ago`
}

/** `2026-11-29 06:12:00` in UTC. */
export function utc(sec: number): string {
  return new Date(sec * 1_000).toISOString().slice(0, 19).replace('T', ' ')
}

/** `12.3 MB` */
export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`
  if (count < 1_000_000) return `${(count / 1_000).toFixed(1)} kB`
  return count < 1_000_000_000 ? `${(count / 1_000_000).toFixed(1)} MB` : `${(count / 1_000_000_000).toFixed(1)} GB`
}

/** `12.3 %` of a part from 0 to 1. */
export function percent(part: number): string {
  return `${Number((part * 100).toPrecision(3))} %`
}

/** `1 share`, `2 shares` */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
