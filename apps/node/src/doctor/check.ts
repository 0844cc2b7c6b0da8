import type { DoctorJson } from '@p2poolv2/api/schema'

/** One line of the doctor's table. */
export type Check = DoctorJson['checks'][number]

/** What was found: all is well, or what is not, what mends it and what it costs. */
export type Finding = Pick<Check, 'state' | 'message'> & Partial<Pick<Check, 'fix' | 'cost'>>

export const ok = (message: string): Finding => ({ state: 'ok', message })
export const info = (message: string): Finding => ({ state: 'info', message })
export const unknown = (message: string): Finding => ({ state: 'unknown', message })
export const warn = (message: string, fix: string, cost: string): Finding => ({ state: 'warn', message, fix, cost })
export const fail = (message: string, fix: string, cost: string): Finding => ({ state: 'fail', message, fix, cost })

/** A probe: what it looks at, and its judgement of the facts, which it does not gather. */
export interface Probe<Facts> extends Pick<Check, 'id' | 'group' | 'title'> {
  readonly judge: (facts: Facts) => Finding
}

export function checked<Facts>(probes: readonly Probe<Facts>[], facts: Facts): Check[] {
  return probes.map(({ id, group, title, judge }) => ({ id, group, title, fix: null, cost: null, ...judge(facts) }))
}
