import type { RefusalCode } from '../mining/refusals.ts'

/** What a miner is told about a submit that is refused. Names as the reference has them. Source: sv2 §3.5. */
export const SUBMIT_ERRORS: Readonly<Record<RefusalCode, string>> = {
  'job-unknown': 'invalid-job-id',
  stale: 'stale-share',
  'time-out-of-range': 'invalid-share',
  'version-bits-not-allowed': 'invalid-non-rollable-version-bit',
  duplicate: 'duplicate-share',
  'low-difficulty': 'difficulty-too-low',
  // A channel has one name, and it is the miner's own.
  unauthorised: 'invalid-channel-id',
  'other-payee': 'invalid-channel-id',
  'too-many-workers': 'invalid-channel-id'
}

/** What a miner is told about a channel that is not opened, or not changed. Source: sv2 §3.3. */
export type ChannelError =
  | 'unknown-user'
  | 'invalid-user-identity'
  | 'max-target-out-of-range'
  | 'invalid-nominal-hashrate'
  | 'min-extranonce-size-too-large'
  | 'extended-channels-not-supported-for-standard-jobs'
  | 'channel-capacity-exhausted'
