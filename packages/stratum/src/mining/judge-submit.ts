import type { Work } from '@p2poolv2/bitcoin'
import { difficultyOfHash, type UnixMs } from '@p2poolv2/primitives'
import { REFUSALS, type Refusal } from '../v1/messages.ts'
import type { Submit } from '../v1/parse-submit.ts'
import type { KnownJob } from './job-registry.ts'
import type { VerifiedSubmit } from './verify-submit.ts'

/** A header's time may be this much before the job's. */
const NTIME_BACK_SEC = 60
/** And this much after it: what ckpool allows. */
const NTIME_FORWARD_SEC = 7_000
/** And this much after now: bitcoin's two hours, less five minutes for clocks that differ. */
const NTIME_AHEAD_SEC = 7_200 - 300

/** One submit and all that is known about it. */
export interface SubmitCase<W extends Work = Work> {
  readonly known: KnownJob<W>
  readonly submit: Submit
  readonly verified: VerifiedSubmit<W>
  readonly versionMask: number
  readonly isStale: boolean
  readonly isDuplicate: boolean
}

/**
 * Why the miner is told no, or null for yes. By now a solution in it is on its way: this is about credit only.
 * Source: stratum §5.1 steps 8 to 11, §3.6.
 */
export function judgeSubmit(submitCase: SubmitCase, nowMs: UnixMs): Refusal | null {
  const { known, submit, verified } = submitCase
  if (submit.versionBits !== null && (submit.versionBits & ~submitCase.versionMask) !== 0) {
    return REFUSALS.invalidVersionMask
  }
  if (submitCase.isStale) return REFUSALS.stale
  if (!isTimeInRange(submit.timeSec, known.job.work, nowMs)) return REFUSALS.ntimeOutOfRange
  if (submitCase.isDuplicate) return REFUSALS.duplicate
  return verified.meetsSession || verified.solution !== null ? null : REFUSALS.lowDifficulty
}

/**
 * What an accepted submit is worth: the difficulty it was checked against, and never more. A solution below its job's
 * difficulty counts as the target it met.
 */
export function creditOf({ known, verified }: Pick<SubmitCase, 'known' | 'verified'>): number {
  if (verified.meetsSession || verified.solution === null) return known.difficulty
  const { bitcoinTarget, shareTarget } = known.job.work
  const { meetsBitcoin, meetsShare } = verified.solution
  const asBlock = meetsBitcoin ? difficultyOfHash(bitcoinTarget) : 0
  const asShare = meetsShare && shareTarget !== null ? difficultyOfHash(shareTarget) : 0
  return Math.min(known.difficulty, Math.max(asBlock, asShare))
}

function isTimeInRange(timeSec: number, work: Pick<Work, 'timeSec' | 'minTimeSec'>, nowMs: UnixMs): boolean {
  const earliest = Math.max(work.minTimeSec, work.timeSec - NTIME_BACK_SEC)
  const latest = Math.min(work.timeSec + NTIME_FORWARD_SEC, Math.floor(nowMs / 1000) + NTIME_AHEAD_SEC)
  return timeSec >= earliest && timeSec <= latest
}
