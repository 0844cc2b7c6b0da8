import { concatBytes, hexToBytes, sha256d, sha256d64Into } from '@p2poolv2/primitives'

/** One `mining.notify`, decoded. Byte orders are those of the 80-byte header unless the name says otherwise. */
export interface MiningJob {
  readonly id: string
  readonly coinbase1: Uint8Array
  readonly coinbase2: Uint8Array
  /** Merkle branch nodes, 32 bytes each, leaf side first. */
  readonly branch: readonly Uint8Array[]
  /** 80 bytes with merkle root and nonce zero. */
  readonly headerTemplate: Uint8Array
  readonly timeHex: string
  readonly cleanJobs: boolean
}

const NOTIFY_PARAMS = 9
const MERKLE_ROOT_OFFSET = 36
/** A job with more is not taken; a full bitcoin block needs 14. */
const MAX_BRANCH_NODES = 32

/**
 * Decodes the params of `mining.notify` (stratum §2.9).
 * @returns null when the line is not a well-formed job; a miner then keeps the job it has
 */
export function parseNotify(params: unknown): MiningJob | null {
  if (!Array.isArray(params) || params.length < NOTIFY_PARAMS) return null
  const [id, prevHash, coinbase1, coinbase2, branch, version, bits, time, cleanJobs] = params as unknown[]
  if (typeof id !== 'string' || typeof prevHash !== 'string' || typeof coinbase1 !== 'string') return null
  if (typeof coinbase2 !== 'string' || typeof version !== 'string' || typeof bits !== 'string') return null
  if (typeof time !== 'string' || !Array.isArray(branch) || branch.length > MAX_BRANCH_NODES) return null
  if (prevHash.length !== 64 || version.length !== 8 || bits.length !== 8 || time.length !== 8) return null
  try {
    const header = new Uint8Array(80)
    header.set(eachWordReversed(hexToBytes(version)), 0)
    header.set(eachWordReversed(hexToBytes(prevHash)), 4)
    header.set(eachWordReversed(hexToBytes(time)), 68)
    header.set(eachWordReversed(hexToBytes(bits)), 72)
    return {
      id,
      coinbase1: hexToBytes(coinbase1),
      coinbase2: hexToBytes(coinbase2),
      branch: branch.map(node => hexToBytes(String(node))),
      headerTemplate: header,
      timeHex: time,
      cleanJobs: cleanJobs === true
    }
  } catch {
    // Not hex: the job is unusable, which the caller learns from null.
    return null
  }
}

/** The 80-byte header of a job for one extranonce; nonce zero. */
export function headerFor(job: MiningJob, extranonce1: Uint8Array, extranonce2: Uint8Array): Uint8Array {
  const root = sha256d(concatBytes(job.coinbase1, extranonce1, extranonce2, job.coinbase2))
  const pair = new Uint8Array(64)
  for (const node of job.branch) {
    pair.set(root, 0)
    pair.set(node, 32)
    sha256d64Into(pair, 0, root, 0)
  }
  const header = job.headerTemplate.slice()
  header.set(root, MERKLE_ROOT_OFFSET)
  return header
}

function eachWordReversed(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[(i & ~3) + 3 - (i & 3)] ?? 0
  return out
}
