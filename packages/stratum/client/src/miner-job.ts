import { concatBytes, hexToBytes, sha256d, sha256d64Into } from '@p2poolv2/primitives'

/** One `mining.notify`, decoded. Byte orders are those of the 80-byte header unless the name says otherwise. */
export interface MinerJob {
  readonly id: string
  readonly coinbase1: Uint8Array
  readonly coinbase2: Uint8Array
  /** Merkle branch nodes of 32 bytes, leaf side first. */
  readonly branch: readonly Uint8Array[]
  /** 80 bytes with merkle root and nonce zero. */
  readonly blankHeader: Uint8Array
  readonly bits: number
  /** As it came, to be sent back. */
  readonly timeHex: string
  readonly cleanJobs: boolean
}

const NOTIFY_PARAMS = 9
const MERKLE_ROOT_OFFSET = 36
/** A job with more is not taken; a full bitcoin block needs 14. */
const MAX_BRANCH_NODES = 32
const HEX_U32 = /^[0-9a-f]{8}$/i
const HEX_HASH = /^[0-9a-f]{64}$/i

/**
 * Decodes the params of `mining.notify` (stratum §2.9).
 * @returns null when the line is not a well-formed job; a miner then keeps the job it has
 */
export function parseNotify(params: unknown): MinerJob | null {
  if (!Array.isArray(params) || params.length < NOTIFY_PARAMS) return null
  const [id, prevHash, coinbase1, coinbase2, branch, version, bits, time, cleanJobs] = params as unknown[]
  if (typeof id !== 'string' || typeof coinbase1 !== 'string' || typeof coinbase2 !== 'string') return null
  if (!isHex(prevHash, HEX_HASH) || !isHex(version, HEX_U32) || !isHex(bits, HEX_U32) || !isHex(time, HEX_U32))
    return null
  if (!Array.isArray(branch) || branch.length > MAX_BRANCH_NODES) return null
  if (!branch.every(node => isHex(node, HEX_HASH))) return null
  try {
    const blankHeader = new Uint8Array(80)
    blankHeader.set(wordsReversed(version), 0)
    blankHeader.set(wordsReversed(prevHash), 4)
    blankHeader.set(wordsReversed(time), 68)
    blankHeader.set(wordsReversed(bits), 72)
    return {
      id,
      coinbase1: hexToBytes(coinbase1),
      coinbase2: hexToBytes(coinbase2),
      branch: branch.map(hexToBytes),
      blankHeader,
      bits: Number.parseInt(bits, 16),
      timeHex: time,
      cleanJobs: cleanJobs === true
    }
  } catch {
    // A coinbase that is not hex: the job is unusable, which the caller learns from null.
    return null
  }
}

/** The 80-byte header of a job for one extranonce; nonce zero. */
export function headerFor(job: MinerJob, extranonce1: Uint8Array, extranonce2: Uint8Array): Uint8Array {
  const root = sha256d(concatBytes(job.coinbase1, extranonce1, extranonce2, job.coinbase2))
  const pair = new Uint8Array(64)
  for (const node of job.branch) {
    pair.set(root, 0)
    pair.set(node, 32)
    sha256d64Into(pair, 0, root, 0)
  }
  const header = job.blankHeader.slice()
  header.set(root, MERKLE_ROOT_OFFSET)
  return header
}

function isHex(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value)
}

/** Hex of 32-bit words whose bytes are each the wrong way round. */
function wordsReversed(hex: string): Uint8Array {
  const bytes = hexToBytes(hex)
  return bytes.map((_, i) => bytes[(i & ~3) + 3 - (i & 3)] ?? 0)
}
