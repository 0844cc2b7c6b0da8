import type { MiningWork } from '@p2poolv2/bitcoin'
import { difficultyOfHash, type UnixMs } from '@p2poolv2/primitives'
import type { KnownJob } from './job-registry.ts'
import { type Refusal, refusal } from './refusals.ts'
import { forbiddenBits, type Submit } from './submit.ts'
import type { VerifiedSubmit } from './verify-submit.ts'

/** A header's time may be this much before the job's. */
const NTIME_BACK_SEC = 60
/** And this much after it: what ckpool allows. */
const NTIME_FORWARD_SEC = 7_000
/** And this much after now: bitcoin's two hours, less five minutes for clocks that differ. */
const NTIME_AHEAD_SEC = 7_200 - 300

/** One submit and all that is known about it. */
export interface SubmitCase {
  readonly known: KnownJob
  readonly submit: Submit
  readonly verified: VerifiedSubmit
  /** u32: version bits the miner may roll */
  readonly versionMask: number
  readonly isStale: boolean
  readonly isDuplicate: boolean
}

/**
 * Why the miner is told no, or null for yes. By now a solution in it is on its way: this is about credit only.
 * Source: stratum §5.1 steps 8 to 11, §3.6.
 */
export function judgeSubmit(submitCase: SubmitCase, nowMs: UnixMs): Refusal | null {
  const { known, submit, verified, versionMask } = submitCase
  const { timeSec } = submit
  const bits = forbiddenBits(submit, known.job.work.version, versionMask)
  if (bits !== 0) return refusal('version-bits-not-allowed', { bits, versionMask })
  if (submitCase.isStale) return refusal('stale')
  const { earliestSec, latestSec } = timeRange(known.job.work, nowMs)
  if (timeSec < earliestSec || timeSec > latestSec) {
    return refusal('time-out-of-range', { timeSec, earliestSec, latestSec })
  }
  if (submitCase.isDuplicate) return refusal('duplicate')
  if (verified.meetsSession || verified.solution !== null) return null
  return refusal('low-difficulty', { hashDifficulty: verified.hashDifficulty, difficulty: known.difficulty })
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

/**
 * Header times that count for a job, both ends included. The job's own is one of them, whatever our clock says: it is
 * bitcoind's, and bitcoind will judge the block.
 */
function timeRange(work: MiningWork, nowMs: UnixMs): { readonly earliestSec: number; readonly latestSec: number } {
  return {
    earliestSec: Math.max(work.minTimeSec, work.timeSec - NTIME_BACK_SEC),
    latestSec: Math.max(
      work.timeSec,
      Math.min(work.timeSec + NTIME_FORWARD_SEC, Math.floor(nowMs / 1000) + NTIME_AHEAD_SEC)
    )
  }
}
