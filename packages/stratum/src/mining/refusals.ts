/** Why a submit or a worker name is refused. Each protocol has its own number and words for it. */
export type RefusalCode =
  | 'unauthorised'
  | 'job-unknown'
  | 'version-bits-not-allowed'
  | 'stale'
  | 'time-out-of-range'
  | 'duplicate'
  | 'low-difficulty'
  /** The connection belongs to another payee already. */
  | 'other-payee'
  | 'too-many-workers'

/** `facts` are what it was judged by: times in seconds, difficulties relative to bitcoin's difficulty 1, bits as u32. */
export interface Refusal {
  readonly code: RefusalCode
  readonly facts: Readonly<Record<string, number>>
}

const NO_FACTS: Refusal['facts'] = Object.freeze({})

export function refusal(code: RefusalCode, facts: Refusal['facts'] = NO_FACTS): Refusal {
  return { code, facts }
}
