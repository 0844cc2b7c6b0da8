import type { MiningWork } from '@p2poolv2/bitcoin'
import { nearestBound, type SizedMake, type SizeFit } from '../mining/size-fit.ts'
import { coinbaseSuffixBytes, extendedJobBytes, MAX_COINBASE_PART_BYTES } from './job-frames.ts'

/** What one make of client can take of an extended job. */
export interface JobSizeClass extends SizedMake {
  /** The payload of the message; null where only the protocol bounds it. */
  readonly jobBytes: number | null
  readonly evidence: string
  /** When it was looked at. */
  readonly seenOn: string
}

/** To be kept up as firmware changes: a row wants evidence and a date. The first match counts, the last one is everybody. */
export const JOB_SIZE_CLASSES: readonly JobSizeClass[] = [
  {
    userAgentPrefix: 'bitaxe',
    jobBytes: 8_192,
    basis: 'measured',
    evidence: 'ESP-Miner 5c27713: a frame with a payload beyond 8,192 bytes ends the connection',
    seenOn: '2026-11-28'
  },
  {
    userAgentPrefix: 'nerd',
    jobBytes: 8_192,
    basis: 'reported',
    evidence: "forks of ESP-Miner's Stratum V2 code",
    seenOn: '2026-11-28'
  },
  { userAgentPrefix: '', jobBytes: null, basis: 'measured', evidence: 'B0_64K of the protocol', seenOn: '2026-11-28' }
]

const REMEDY = 'A standard channel has no such bound: switch the miner to it if it has the choice.'

/**
 * How an extended job of this work stands to what a client can take. A standard job has the same few bytes for any work.
 * @returns null where the work is well within it
 */
export function jobSizeFit(userAgent: string, work: MiningWork): SizeFit | null {
  const lower = userAgent.toLowerCase()
  const sizeClass = JOB_SIZE_CLASSES.find(({ userAgentPrefix }) => lower.startsWith(userAgentPrefix))
  if (sizeClass === undefined) return null
  const fit = nearestBound(
    [
      ['job message', extendedJobBytes(work), sizeClass.jobBytes],
      ['coinbase after the extranonce', coinbaseSuffixBytes(work), MAX_COINBASE_PART_BYTES]
    ],
    sizeClass
  )
  return fit === null ? null : { ...fit, remedy: REMEDY }
}
