import type { DoctorJson } from '@p2poolv2/api/schema'

export type Check = DoctorJson['checks'][number]
export type CheckState = Check['state']

/** One traffic light: the worst of its checks, and what to do about it. */
export interface Light {
  readonly group: Check['group']
  readonly name: string
  readonly state: CheckState
  /** The checks that are not well, worst first, and each thing said once. */
  readonly concerns: readonly Check[]
  readonly checks: readonly Check[]
}

const NAMES: Readonly<Record<Check['group'], string>> = {
  bitcoin: 'Bitcoin node',
  sharechain: 'Share chain',
  peers: 'Peers',
  miners: 'Miners',
  computer: 'This computer'
}

const SEVERITY: Readonly<Record<CheckState, number>> = { ok: 0, info: 1, unknown: 2, warn: 3, fail: 4 }

export const STATE_WORDS: Readonly<Record<CheckState, string>> = {
  ok: 'fine',
  info: 'worth knowing',
  unknown: 'not known',
  warn: 'look here',
  fail: 'broken'
}

/** Only of what is looked at: without a share chain there are none for peers, and green would be a lie. */
export function lightsOf({ checks }: DoctorJson): readonly Light[] {
  return Object.entries(NAMES).flatMap(([group, name]) => {
    const own = checks.filter(check => check.group === group)
    if (own.length === 0) return []
    const concerns = own
      .filter(({ state }) => SEVERITY[state] >= SEVERITY.warn)
      .sort((a, b) => SEVERITY[b.state] - SEVERITY[a.state])
      // What the node sees of it and what is seen by asking once more is one trouble.
      .filter(({ message }, i, all) => all.findIndex(other => other.message === message) === i)
    const worst = own.reduce<CheckState>((at, { state }) => (SEVERITY[state] > SEVERITY[at] ? state : at), 'ok')
    // What is merely worth knowing, or could not be looked at, makes no light yellow.
    const state = SEVERITY[worst] >= SEVERITY.warn ? worst : 'ok'
    return { group: group as Check['group'], name, state, concerns, checks: own }
  })
}
