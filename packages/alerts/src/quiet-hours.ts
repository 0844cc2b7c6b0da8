import { type Moment, secFromMs, type UnixMs, unixMs } from '@p2poolv2/primitives'
import type { Alert } from './alert.ts'

/** Alerts kept through one night; at the cap the oldest goes and is counted. */
export const MAX_HELD = 50
const MINUTES_A_DAY = 1_440

/** Minutes of the day by the clock on the wall; may go over midnight. */
export interface QuietRange {
  readonly fromMinute: number
  readonly toMinute: number
}

/** @returns null for what is not like 22:00-07:00, or has no length */
export function parseQuietRange(text: string): QuietRange | null {
  const [, ...parts] = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  const [fromHour, fromMin, toHour, toMin] = parts.map(Number)
  if (fromHour === undefined || fromMin === undefined || toHour === undefined || toMin === undefined) return null
  const range = { fromMinute: fromHour * 60 + fromMin, toMinute: toHour * 60 + toMin }
  return range.fromMinute === range.toMinute ? null : range
}

export interface QuietHoursOptions {
  /** Null: never quiet. */
  readonly range: QuietRange | null
  /** Minute of the day at a moment, by the computer's time zone. */
  readonly minuteOfDay: (wallMs: UnixMs) => number
}

/** Keeps what comes at night until the morning, and says it then in one message. */
export class QuietHours {
  readonly #options: QuietHoursOptions
  readonly #held: Alert[] = []
  #lost = 0

  constructor(options: QuietHoursOptions) {
    this.#options = options
  }

  /** To be called at every look, with nothing as well. @returns what goes out now */
  pass(alerts: readonly Alert[], now: Moment): readonly Alert[] {
    if (!this.isQuiet(now)) return [...this.#summary(now), ...alerts]
    for (const alert of alerts) {
      this.#held.push(alert)
      if (this.#held.length <= MAX_HELD) continue
      this.#held.shift()
      this.#lost += 1
    }
    return []
  }

  isQuiet({ wallMs }: Moment): boolean {
    const { range, minuteOfDay } = this.#options
    if (range === null) return false
    const since = (minuteOfDay(wallMs) - range.fromMinute + MINUTES_A_DAY) % MINUTES_A_DAY
    return since < (range.toMinute - range.fromMinute + MINUTES_A_DAY) % MINUTES_A_DAY
  }

  #summary(now: Moment): Alert[] {
    const held = this.#held.splice(0)
    const [only] = held
    const lost = this.#lost
    this.#lost = 0
    if (only === undefined) return []
    if (held.length === 1 && lost === 0) return [only]
    const lines = held.map(({ title, text, atSec }) => `${this.#clockText(atSec)} ${title}: ${text}`)
    if (lost > 0) lines.unshift(`${lost} older ones are left out.`)
    const title = `${held.length + lost} alerts of the quiet hours`
    return [{ rule: 'summary', state: 'told', title, text: lines.join('\n'), atSec: secFromMs(now.wallMs) }]
  }

  #clockText(atSec: number): string {
    const minute = this.#options.minuteOfDay(unixMs(atSec * 1_000))
    const two = (part: number): string => String(part).padStart(2, '0')
    return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
  }
}
