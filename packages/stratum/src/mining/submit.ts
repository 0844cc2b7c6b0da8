/** A miner's claim to have hashed a header for one of its jobs: well formed, not checked further. */
export interface Submit {
  /** `Job.id` */
  readonly jobId: string
  /** The miner's part of the extranonce, as long as its session settled. */
  readonly extranonce: Uint8Array
  readonly timeSec: number
  /** u32 */
  readonly nonce: number
  /** u32: the bits of the version that the miner set, or null if it does not roll the version. */
  readonly versionBits: number | null
}
