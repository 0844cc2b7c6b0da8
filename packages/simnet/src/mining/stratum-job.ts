import { bytesToHex, concatBytes, hexToBytes, invariant, sha256d, sha256d64Into } from '@p2poolv2/primitives'

/** One `mining.notify` as a miner's firmware reads it. Byte orders are those of the 80-byte header. */
export interface StratumJob {
  readonly id: string
  readonly coinbase1: Uint8Array
  readonly coinbase2: Uint8Array
  /** Merkle branch nodes of 32 bytes, leaf side first. */
  readonly branch: readonly Uint8Array[]
  /** 80 bytes with merkle root and nonce zero. */
  readonly blankHeader: Uint8Array
  readonly bits: number
  readonly timeHex: string
}

const MERKLE_ROOT_OFFSET = 36

/** Reads a notify line of our own node (stratum §2.9); one that cannot be read is a bug of the session. */
export function parseNotifyLine(line: string): StratumJob {
  const { method, params } = JSON.parse(line) as { method: unknown; params: unknown }
  invariant(method === 'mining.notify' && Array.isArray(params) && params.length === 9, 'a notify has nine parameters')
  const [id, prevHash, coinbase1, coinbase2, branch, version, bits, time] = params as [
    string,
    string,
    string,
    string,
    string[],
    string,
    string,
    string
  ]
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
    timeHex: time
  }
}

/** The 80-byte header of a job for one extranonce (12 bytes); nonce zero. */
export function headerOf(job: StratumJob, extranonce: Uint8Array): Uint8Array {
  const root = sha256d(concatBytes(job.coinbase1, extranonce, job.coinbase2))
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

export function submitLine(id: number, submit: readonly string[]): string {
  return `${JSON.stringify({ id, method: 'mining.submit', params: submit })}\n`
}

export function u32Hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}

export function u64HexBE(value: number): string {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytesToHex(bytes)
}

/** Hex of 32-bit words whose bytes are each the wrong way round. */
function wordsReversed(hex: string): Uint8Array {
  const bytes = hexToBytes(hex)
  return bytes.map((_, i) => bytes[(i & ~3) + 3 - (i & 3)] ?? 0)
}
