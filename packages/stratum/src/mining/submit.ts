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
  /** u32: the whole version of the header, where the miner says that instead of bits. */
  readonly version?: number
}

/** The version of the header that was hashed. Bits outside the mask are taken over too. */
export function headerVersion({ versionBits, version }: Submit, jobVersion: number, versionMask: number): number {
  if (version !== undefined) return version
  return versionBits === null ? jobVersion : (jobVersion & ~versionMask) | versionBits
}

/** u32: bits that the miner set or cleared and may not. */
export function forbiddenBits({ versionBits, version }: Submit, jobVersion: number, versionMask: number): number {
  const changed = version === undefined ? (versionBits ?? 0) : version ^ jobVersion
  return (changed & ~versionMask) >>> 0
}
