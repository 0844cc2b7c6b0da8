import type { RefusalCode } from '../mining/refusals.ts'

/** A refusal as the miner is told it. Firmware shows the text; some of it explains these very words (stratum §5.3). */
export interface V1Refusal {
  readonly code: 20 | 21 | 22 | 23 | 24 | 25
  readonly reason: string
}

/** What a submit or an authorisation comes to that is well formed. */
export const REFUSALS: Readonly<Record<RefusalCode, V1Refusal>> = {
  'version-bits-not-allowed': { code: 20, reason: 'Invalid version mask' },
  'time-out-of-range': { code: 20, reason: 'Ntime out of range' },
  'job-unknown': { code: 21, reason: 'Job not found' },
  stale: { code: 21, reason: 'Stale' },
  duplicate: { code: 22, reason: 'Duplicate share' },
  'low-difficulty': { code: 23, reason: 'Low difficulty share' },
  unauthorised: { code: 24, reason: 'Unauthorized worker' },
  'other-payee': { code: 24, reason: 'Address already set' },
  'too-many-workers': { code: 24, reason: 'Too many worker names on one connection' }
}

/** What is wrong with a request before anything is judged. */
export const REQUEST_REFUSALS = {
  invalidParameters: { code: 20, reason: 'Invalid parameters' },
  invalidExtranonce2: { code: 20, reason: 'Invalid extranonce2' },
  invalidNtime: { code: 20, reason: 'Invalid ntime' },
  invalidNonce: { code: 20, reason: 'Invalid nonce' },
  invalidVersionMask: { code: 20, reason: 'Invalid version mask' },
  unknownMethod: { code: 20, reason: 'Method not found' },
  notSubscribed: { code: 25, reason: 'Not subscribed' },
  unanswered: { code: 24, reason: 'Your address could not be looked up in time: try again' }
} as const satisfies Record<string, V1Refusal>
