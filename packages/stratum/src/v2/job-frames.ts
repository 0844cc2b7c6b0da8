import { coinbaseOf, EXTRANONCE_BYTES, foldBranch, type Job, type MiningWork, NSECS_BYTES } from '@p2poolv2/bitcoin'
import { concatBytes, invariant, type Sha256d, sha256d } from '@p2poolv2/primitives'
import { FRAME_HEADER_BYTES, frameOf } from '@p2poolv2/stratum/sv2'
import type { ExtranonceSpace } from '../contract.ts'

/** Longest part of a coinbase that a job message can carry. */
export const MAX_COINBASE_PART_BYTES = 0xffff
const CHANNEL_ID_AT = FRAME_HEADER_BYTES
const JOB_ID_AT = CHANNEL_ID_AT + 4

/** What is one channel's own in the messages of a job. */
export interface ChannelJob {
  readonly channelId: number
  readonly jobNumber: number
  readonly job: Job
  /** 'future': the miner waits for the `SetNewPrevHash` that names it; 'active': it may begin at once. */
  readonly when: 'future' | 'active'
}

/** A `NewExtendedMiningJob` with holes, and where they are. */
interface Form {
  readonly frame: Uint8Array
  readonly nsecsAt: number
  /** Null where the coinbase has no room for a commitment. */
  readonly commitmentAt: number | null
}

/** The frames of extended jobs: made once a work, copied and filled for each channel. Miners get new work all at once, so one is kept. */
export class ExtendedJobFrames {
  #last: { readonly work: MiningWork; readonly future: Form; readonly active: Form } | null = null

  frameFor({ channelId, jobNumber, job, when }: ChannelJob): Uint8Array {
    if (this.#last?.work !== job.work) this.#last = formsOf(job.work)
    const form = this.#last[when]
    const frame = form.frame.slice()
    const view = new DataView(frame.buffer)
    view.setUint32(CHANNEL_ID_AT, channelId, true)
    view.setUint32(JOB_ID_AT, jobNumber, true)
    view.setBigUint64(form.nsecsAt, job.nsecs, true)
    invariant(
      (job.commitment === null) === (form.commitmentAt === null),
      'a job has the fields its coinbase has room for'
    )
    if (job.commitment !== null && form.commitmentAt !== null) frame.set(job.commitment, form.commitmentAt)
    return frame
  }
}

/** Bytes of the payload of an extended job that is active at once, the longer form. */
export function extendedJobBytes({ coinbase, merkleBranch }: MiningWork): number {
  const fixed = 4 + 4 + 5 + 4 + 1 + 1 + 2 + 2
  return fixed + merkleBranch.length + coinbase.bytes.length - EXTRANONCE_BYTES
}

/** What follows the extranonce in the coinbase. */
export function coinbaseSuffixBytes({ coinbase }: MiningWork): number {
  return coinbase.bytes.length - coinbase.extranonceOffset - EXTRANONCE_BYTES
}

function formsOf(work: MiningWork): { work: MiningWork; future: Form; active: Form } {
  return { work, future: formOf(work, 'future'), active: formOf(work, 'active') }
}

function formOf(work: MiningWork, when: ChannelJob['when']): Form {
  const { bytes, extranonceOffset, nsecsOffset, commitmentOffset } = work.coinbase
  const suffixOffset = extranonceOffset + EXTRANONCE_BYTES
  invariant(suffixOffset <= nsecsOffset, 'the nsecs come after the extranonce')
  invariant(
    commitmentOffset === null || nsecsOffset + NSECS_BYTES <= commitmentOffset,
    'the commitment comes after the nsecs'
  )
  const frame = frameOf('NewExtendedMiningJob', {
    channelId: 0,
    jobId: 0,
    minTimeSec: when === 'future' ? null : work.timeSec,
    version: work.version >>> 0,
    versionRollingAllowed: true,
    merklePath: work.merkleBranch,
    coinbasePrefix: bytes.slice(0, extranonceOffset),
    coinbaseSuffix: bytes.slice(suffixOffset)
  })
  // The suffix is the last field, so what stands in it is counted from the end.
  const inFrame = (offset: number): number => frame.length - (bytes.length - offset)
  return {
    frame,
    nsecsAt: inFrame(nsecsOffset),
    commitmentAt: commitmentOffset === null ? null : inFrame(commitmentOffset)
  }
}

/**
 * The `NewMiningJob` of a standard channel, whose whole extranonce the node has fixed.
 * Cost: a hash of the coinbase and of the branch.
 * @param extranonce 12 bytes
 */
export function standardJobFrame(
  { channelId, jobNumber, job, when }: ChannelJob,
  extranonce: Uint8Array,
  hash: Sha256d = sha256d
): Uint8Array {
  const { work } = job
  return frameOf('NewMiningJob', {
    channelId,
    jobId: jobNumber,
    minTimeSec: when === 'future' ? null : work.timeSec,
    version: work.version >>> 0,
    merkleRoot: foldBranch(hash(coinbaseOf(job, extranonce)), work.merkleBranch)
  })
}

/** What makes a future job the current one, and ends all others. */
export function newPrevHashFrame({ channelId, jobNumber, job }: ChannelJob): Uint8Array {
  const { prevHashWire, timeSec, bits } = job.work
  return frameOf('SetNewPrevHash', { channelId, jobId: jobNumber, prevHash: prevHashWire, minTimeSec: timeSec, bits })
}

/** Of a standard channel, where the node fixes it: its own part and zeros. */
export function wholeExtranonce({ prefix, minerBytes }: ExtranonceSpace): Uint8Array {
  return concatBytes(prefix, new Uint8Array(minerBytes))
}
