import type { BitcoinHeight, BlockHash, Bytes32, CompactBits, Target } from '@p2poolv2/primitives'
import { ByteWriter, bytesToHex, invariant } from '@p2poolv2/primitives'
import type { CoinbaseSkeleton } from './coinbase.ts'
import { COMMITMENT_BYTES, coinbaseWithWitness, EXTRANONCE_BYTES } from './coinbase.ts'
import { BITCOIN_HEADER_BYTES } from './header.ts'
import type { TemplateTransaction } from './template.ts'

/**
 * What all miners of one template and payout are given to hash, and what their submits are checked against. It is small:
 * the template's transactions are kept once by whoever made the work, under its id.
 */
export interface MiningWork {
  /** Rises with every work of a node. */
  readonly id: number
  readonly bitcoinHeight: BitcoinHeight
  /** i32, with the bits that miners may roll cleared */
  readonly version: number
  readonly prevHash: BlockHash
  /** 32 bytes, wire order */
  readonly prevHashWire: Bytes32
  readonly bits: CompactBits
  /** The header time offered to miners. */
  readonly timeSec: number
  /** The smallest header time that bitcoin accepts. */
  readonly minTimeSec: number
  /** Hashes of 32 bytes, wire order, leaf side first, concatenated. */
  readonly merkleBranch: Uint8Array
  readonly bitcoinTarget: Target
  /** Null if this work cannot become a share. */
  readonly shareTarget: Target | null
  readonly coinbase: CoinbaseSkeleton
}

/** One miner's job: the shared work and the few bytes that are his. */
export interface Job {
  /** 16 lower-case hex digits */
  readonly id: string
  readonly work: MiningWork
  /** The clock at the job's creation in nanoseconds, a u64; makes every miner's coinbase different. */
  readonly nsecs: bigint
  /** 32 bytes; null if the coinbase has no room for it */
  readonly commitment: Uint8Array | null
}

/** A submit that meets a target worth telling the node about. With the work and the payee it makes block and share. */
export interface Solution {
  /** `MiningWork.id` */
  readonly workId: number
  /** Of the job: a u64. */
  readonly nsecs: bigint
  /** 80 bytes */
  readonly header: Uint8Array
  /** 12 bytes */
  readonly extranonce: Uint8Array
  /** 32 bytes, wire order */
  readonly hashWire: Bytes32
  readonly meetsShare: boolean
  readonly meetsBitcoin: boolean
}

/** What a submit decides about the header; previous hash and bits come from the work. */
export interface HeaderFields {
  /** 32 bytes, wire order */
  readonly merkleRootWire: Bytes32
  /** i32, or the same bits as a u32 */
  readonly version: number
  readonly timeSec: number
  readonly nonce: number
}

type JobBytes = Pick<Job, 'nsecs' | 'commitment'> & { readonly work: Pick<MiningWork, 'coinbase'> }

/**
 * Writes the job's coinbase without witness to the start of `out`. Allocates no buffers.
 * @param extranonce 12 bytes: extranonce1 and extranonce2
 * @param out at least as long as the skeleton
 * @returns the length written
 */
export function coinbaseInto(job: JobBytes, extranonce: Uint8Array, out: Uint8Array): number {
  const { bytes, extranonceOffset } = job.work.coinbase
  invariant(extranonce.length === EXTRANONCE_BYTES, 'an extranonce has 12 bytes')
  out.set(bytes)
  out.set(extranonce, extranonceOffset)
  fillJobFields(job, out)
  return bytes.length
}

function fillJobFields(job: JobBytes, out: Uint8Array): void {
  const { commitment, nsecs } = job
  const { nsecsOffset, commitmentOffset } = job.work.coinbase
  invariant(
    commitmentOffset === null ? commitment === null : commitment?.length === COMMITMENT_BYTES,
    'a job has a commitment of 32 bytes exactly if its coinbase has room for one'
  )
  writeU32(out, nsecsOffset, Number(BigInt.asUintN(32, nsecs)))
  writeU32(out, nsecsOffset + 4, Number(BigInt.asUintN(32, nsecs >> 32n)))
  if (commitment !== null && commitmentOffset !== null) out.set(commitment, commitmentOffset)
}

/** The job's coinbase without witness, in new bytes. */
export function coinbaseOf(job: JobBytes, extranonce: Uint8Array): Uint8Array {
  const out = new Uint8Array(job.work.coinbase.bytes.length)
  coinbaseInto(job, extranonce, out)
  return out
}

/** What a stratum miner is told: the coinbase before and after the 12 bytes of extranonce (protocol §5.4). */
export function coinbaseHalves(job: JobBytes): { readonly coinbase1: Uint8Array; readonly coinbase2: Uint8Array } {
  const { bytes, extranonceOffset } = job.work.coinbase
  const whole = Uint8Array.from(bytes)
  fillJobFields(job, whole)
  return {
    coinbase1: whole.slice(0, extranonceOffset),
    coinbase2: whole.slice(extranonceOffset + EXTRANONCE_BYTES)
  }
}

/**
 * Writes the 80-byte header of a submit to the start of `out`. No allocation.
 * @param out at least 80 bytes
 */
export function headerInto(
  work: Pick<MiningWork, 'prevHashWire' | 'bits'>,
  fields: HeaderFields,
  out: Uint8Array
): void {
  invariant(out.length >= BITCOIN_HEADER_BYTES, 'a header has 80 bytes')
  writeU32(out, 0, fields.version)
  out.set(work.prevHashWire, 4)
  out.set(fields.merkleRootWire, 36)
  writeU32(out, 68, fields.timeSec)
  writeU32(out, 72, work.bits)
  writeU32(out, 76, fields.nonce)
}

function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value
  out[at + 1] = value >>> 8
  out[at + 2] = value >>> 16
  out[at + 3] = value >>> 24
}

/**
 * The argument of `submitblock`: a whole block as hex.
 * @param header 80 bytes
 * @param strippedCoinbase as `coinbaseInto` writes it
 * @param transactions those of the template, all, in its order
 * @param witness `with-witness` if the coinbase carries a witness commitment, else `without`
 */
export function assembleBlock(
  header: Uint8Array,
  strippedCoinbase: Uint8Array,
  transactions: readonly TemplateTransaction[],
  witness: 'with-witness' | 'without'
): string {
  invariant(header.length === BITCOIN_HEADER_BYTES, 'a header has 80 bytes')
  const coinbase = witness === 'with-witness' ? coinbaseWithWitness(strippedCoinbase) : strippedCoinbase
  const start = new ByteWriter(BITCOIN_HEADER_BYTES + 9 + coinbase.length)
    .bytes(header)
    .compactSize(transactions.length + 1)
    .bytes(coinbase)
    .finish()
  return bytesToHex(start) + transactions.map(transaction => transaction.dataHex).join('')
}
