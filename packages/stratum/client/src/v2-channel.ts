import { concatBytes, sha256d, sha256dFoldInto, type Target } from '@p2poolv2/primitives'
import type { Fields, Message } from '@p2poolv2/stratum/sv2'
import type { MinerJob } from './miner-job.ts'

const MERKLE_ROOT_OFFSET = 36
/** Future jobs kept; at the cap the oldest is forgotten. Servers that pair them with their previous hash need one. */
const MAX_FUTURE_JOBS = 16

type JobMessage = Message<'NewMiningJob' | 'NewExtendedMiningJob'>

interface PrevHash {
  readonly prevHash: Uint8Array
  readonly bits: number
}

/** What a miner hashes now. */
export interface V2Job {
  readonly jobId: number
  readonly version: number
  readonly timeSec: number
  readonly bits: number
  /** Wire order. */
  readonly prevHash: Uint8Array
  /** At most this, as the job was when it came. */
  readonly target: Target
  readonly message: JobMessage
}

/** A job of an extended channel in the form of V1's, for whoever hashes both: the channel's prefix is the pool's part. Null for a standard one. */
export function minerJobOf(job: V2Job): MinerJob | null {
  const { jobId, version, prevHash, timeSec, bits, message } = job
  if (message.name !== 'NewExtendedMiningJob') return null
  const { coinbasePrefix: coinbase1, coinbaseSuffix: coinbase2, merklePath } = message.fields
  const branch = Array.from({ length: merklePath.length / 32 }, (_, n) => merklePath.subarray(32 * n, 32 * n + 32))
  const blankHeader = new Uint8Array(80)
  const view = new DataView(blankHeader.buffer)
  view.setUint32(0, version, true)
  blankHeader.set(prevHash, 4)
  view.setUint32(68, timeSec, true)
  view.setUint32(72, bits, true)
  const timeHex = timeSec.toString(16).padStart(8, '0')
  return { id: String(jobId), coinbase1, coinbase2, branch, blankHeader, bits, timeHex, cleanJobs: false }
}

/** One channel as its miner sees it: told every message of its connection, it knows what to hash. Source: sv2 §4. */
export class V2Channel {
  readonly #requestId: number
  #opened: { readonly channelId: number; readonly prefix: Uint8Array; readonly extranonceBytes: number } | null = null
  #target: Target = new Uint8Array(32)
  #prevHash: PrevHash | null = null
  readonly #future = new Map<number, JobMessage>()
  #job: V2Job | null = null
  #closedBecause: string | null = null

  /** @param requestId of the message that asked for the channel */
  constructor(requestId: number) {
    this.#requestId = requestId
  }

  /** Null before the server has opened it. */
  get channelId(): number | null {
    return this.#opened?.channelId ?? null
  }

  /** Why there is no channel, in the server's words; null while there is, or may be. */
  get closedBecause(): string | null {
    return this.#closedBecause
  }

  get target(): Target {
    return this.#target
  }

  /** Null before the first. */
  get job(): V2Job | null {
    return this.#job
  }

  /** The server's part of every coinbase's extranonce; empty before the channel is open. */
  get extranoncePrefix(): Uint8Array {
    return this.#opened?.prefix ?? new Uint8Array()
  }

  /** Bytes that the miner may choose: none on a standard channel. */
  get extranonceBytes(): number {
    return this.#opened?.extranonceBytes ?? 0
  }

  /** @returns 'job' when there is something new to hash */
  told(message: Message): 'job' | null {
    switch (message.name) {
      case 'OpenStandardMiningChannelSuccess':
        this.#open(message.fields, 0)
        return null
      case 'OpenExtendedMiningChannelSuccess':
        this.#open(message.fields, message.fields.extranonceBytes)
        return null
      case 'OpenMiningChannelError':
        if (message.fields.requestId === this.#requestId) this.#closedBecause = message.fields.errorCode
        return null
      default:
        return 'channelId' in message.fields && message.fields.channelId === this.channelId
          ? this.#toldOwn(message)
          : null
    }
  }

  /**
   * The header of the present job; nonce zero.
   * @param extranonce as long as `extranonceBytes`
   * @param changes of version or time
   */
  headerFor(job: V2Job, extranonce: Uint8Array, changes: { version?: number; timeSec?: number } = {}): Uint8Array {
    const header = new Uint8Array(80)
    const view = new DataView(header.buffer)
    view.setUint32(0, changes.version ?? job.version, true)
    header.set(job.prevHash, 4)
    header.set(this.#rootOf(job.message, extranonce), MERKLE_ROOT_OFFSET)
    view.setUint32(68, changes.timeSec ?? job.timeSec, true)
    view.setUint32(72, job.bits, true)
    return header
  }

  #rootOf(message: JobMessage, extranonce: Uint8Array): Uint8Array {
    if (message.name === 'NewMiningJob') return message.fields.merkleRoot
    const { coinbasePrefix, coinbaseSuffix, merklePath } = message.fields
    const root = sha256d(concatBytes(coinbasePrefix, this.extranoncePrefix, extranonce, coinbaseSuffix))
    sha256dFoldInto(root, merklePath)
    return root
  }

  #open(
    fields: Pick<Fields<'OpenStandardMiningChannelSuccess'>, 'requestId' | 'channelId' | 'target' | 'extranoncePrefix'>,
    extranonceBytes: number
  ): void {
    const { requestId, channelId, target, extranoncePrefix: prefix } = fields
    if (requestId !== this.#requestId) return
    this.#opened = { channelId, prefix, extranonceBytes }
    this.#target = target
  }

  #toldOwn(message: Message): 'job' | null {
    if (message.name === 'SetTarget') this.#target = message.fields.maximumTarget
    else if (message.name === 'CloseChannel') this.#closedBecause = message.fields.reasonCode
    else if (message.name === 'NewMiningJob' || message.name === 'NewExtendedMiningJob') return this.#toldJob(message)
    else if (message.name === 'SetNewPrevHash') return this.#toldPrevHash(message.fields)
    return null
  }

  #toldJob(message: JobMessage): 'job' | null {
    const { minTimeSec, jobId } = message.fields
    if (minTimeSec !== null) return this.#begin(message, minTimeSec)
    for (const oldest of this.#future.keys()) {
      if (this.#future.size < MAX_FUTURE_JOBS) break
      this.#future.delete(oldest)
    }
    this.#future.set(jobId, message)
    return null
  }

  #toldPrevHash({ jobId, prevHash, bits, minTimeSec }: Fields<'SetNewPrevHash'>): 'job' | null {
    this.#prevHash = { prevHash, bits }
    const message = this.#future.get(jobId)
    this.#future.clear()
    return message === undefined ? null : this.#begin(message, minTimeSec)
  }

  #begin(message: JobMessage, timeSec: number): 'job' | null {
    if (this.#prevHash === null) return null
    const { jobId, version } = message.fields
    this.#job = { jobId, version, timeSec, ...this.#prevHash, target: this.#target, message }
    return 'job'
  }
}
