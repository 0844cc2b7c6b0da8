import type { BitcoinHeight } from '@p2poolv2/primitives'
import { asciiToBytes, ByteWriter, compactSizeLength, invariant } from '@p2poolv2/primitives'
import { type PaddingForm, paddingOutput } from './padding.ts'
import { pushData, scriptNumberPush } from './script.ts'
import type { TxOutput } from './transaction.ts'

/** What the node and the miner vary, together: who may vary which bytes is settled for each connection. */
export const EXTRANONCE_BYTES = 12
export const NSECS_BYTES = 8
export const COMMITMENT_BYTES = 32

/** The commitment output (43 bytes) and the lock time: what follows the prefix that a coinbase proof hides. */
export const COINBASE_TAIL_BYTES = 47

/** Aux flags and pool signature are pushed with a plain length byte, which takes no more (protocol §5.2). */
export const MAX_DIRECT_PUSH_BYTES = 75

/** Bitcoin's limit for the input script of a coinbase. A share's may be longer, but is no block then. */
const MAX_INPUT_SCRIPT_BYTES = 100

/** Flags of a template we make blocks from; a template with more is refused. */
export const MAX_TEMPLATE_AUX_FLAGS_BYTES = 32

/** The longest height push, the longest flags push of a template, and the pushes of extranonce and nsecs. */
const MAX_PUSHES_BEFORE_SIGNATURE_BYTES =
  5 + (1 + MAX_TEMPLATE_AUX_FLAGS_BYTES) + (1 + EXTRANONCE_BYTES) + (1 + NSECS_BYTES)

/** The longest pool signature whose push bitcoin's limit leaves room for, whatever template comes: 39 bytes. */
export const MAX_POOL_SIGNATURE_BYTES: number = MAX_INPUT_SCRIPT_BYTES - MAX_PUSHES_BEFORE_SIGNATURE_BYTES - 1

/** What our coinbases end their input script with unless the operator says otherwise: `P2Poolv2`. */
export const DEFAULT_POOL_SIGNATURE: Uint8Array = asciiToBytes('P2Poolv2')

/** Lock times from here on are times of day and not block heights. */
export const BITCOIN_HEIGHT_LIMIT = 500_000_000

export const COINBASE_VERSION = 2
export const COINBASE_SEQUENCE = 0xffff_fffe
export const NULL_PREVOUT_INDEX = 0xffff_ffff
/** Enough for all but coinbases with unusual outputs, so that a large one is written without moving what is there. */
const ROOM_WITHOUT_OUTPUTS = 512
const ROOM_OF_OUTPUT = 43
const MARKER_AND_FLAG = Uint8Array.of(0, 1)
const COMMITMENT_SCRIPT_LENGTH = 34
const COMMITMENT_SCRIPT_START = Uint8Array.of(0x6a, 0x20)

/** A payout. The amount may be zero; nothing here applies a dust rule. */
export type CoinbaseOutput = TxOutput

export interface CoinbaseParts {
  /** Of the block being built, 1 to 500,000,000: the lock time is one less. */
  readonly bitcoinHeight: BitcoinHeight
  /** At most 75 bytes; empty for none. */
  readonly auxFlags: Uint8Array
  /** Who built the block, ASCII by custom; at most 75 bytes, and 39 if it is to be a block; may be empty. */
  readonly poolSignature: Uint8Array
  /** In the order of the block: donation, fee, payouts by address. */
  readonly outputs: readonly CoinbaseOutput[]
  /** Exactly as the template gave it; null if the block has none. */
  readonly witnessCommitmentScript: Uint8Array | null
  /**
   * Form of the padding output, which the commitment output follows. Null for neither: the coinbase of somebody who does not
   * mine for the share chain.
   */
  readonly padding: PaddingForm | null
}

/** A whole coinbase without witness. Extranonce, nsecs and commitment are zero bytes, to be filled per miner and submit. */
export interface CoinbaseSkeleton {
  readonly bytes: Uint8Array
  /** Of 12 bytes. */
  readonly extranonceOffset: number
  /** Of a u64, little-endian. */
  readonly nsecsOffset: number
  /** Of 32 bytes; null without padding. */
  readonly commitmentOffset: number | null
  /** What the midstate of a coinbase proof covers: a multiple of 64, not 0; 0 without padding, where nothing is proven. */
  readonly prefixLengthBytes: number
}

/**
 * Builds the coinbase of a template (protocol §5.1-5.3).
 * The result does not depend on extranonce, nsecs and commitment: their widths are fixed.
 */
export function buildCoinbase(parts: CoinbaseParts): CoinbaseSkeleton {
  checkParts(parts)
  const writer = new ByteWriter(ROOM_WITHOUT_OUTPUTS + parts.outputs.length * ROOM_OF_OUTPUT)
  writer.i32(COINBASE_VERSION).compactSize(1)
  writer.bytes(new Uint8Array(32)).u32(NULL_PREVOUT_INDEX)

  const beforeExtranonce = new ByteWriter()
    .bytes(scriptNumberPush(parts.bitcoinHeight))
    .bytes(auxFlagsPush(parts.auxFlags))
    .u8(EXTRANONCE_BYTES)
    .finish()
  const signature = pushData(parts.poolSignature)
  const scriptLength = beforeExtranonce.length + EXTRANONCE_BYTES + 1 + NSECS_BYTES + signature.length
  writer.compactSize(scriptLength).bytes(beforeExtranonce)
  const extranonceOffset = writer.length
  writer.bytes(new Uint8Array(EXTRANONCE_BYTES)).u8(NSECS_BYTES)
  const nsecsOffset = writer.length
  writer.bytes(new Uint8Array(NSECS_BYTES)).bytes(signature).u32(COINBASE_SEQUENCE)

  const outputs = [...parts.outputs]
  if (parts.witnessCommitmentScript !== null) outputs.push({ valueSats: 0n, script: parts.witnessCommitmentScript })
  // The count is part of the prefix, so it counts padding and commitment before they exist.
  writer.compactSize(outputs.length + (parts.padding === null ? 0 : 2))
  for (const output of outputs) writeOutput(writer, output)

  let prefixLengthBytes = 0
  let commitmentOffset: number | null = null
  if (parts.padding !== null) {
    writeOutput(writer, paddingOutput(parts.padding, writer.length))
    prefixLengthBytes = writer.length
    invariant(prefixLengthBytes % 64 === 0, 'the padding output fills the last hash block')
    writer.u64(0n).u8(COMMITMENT_SCRIPT_LENGTH).bytes(COMMITMENT_SCRIPT_START)
    commitmentOffset = writer.length
    writer.bytes(new Uint8Array(COMMITMENT_BYTES))
  }
  const bytes = writer.u32(parts.bitcoinHeight - 1).finish()
  return { bytes, extranonceOffset, nsecsOffset, commitmentOffset, prefixLengthBytes }
}

function checkParts(parts: CoinbaseParts): void {
  const { bitcoinHeight, auxFlags, poolSignature } = parts
  invariant(
    Number.isInteger(bitcoinHeight) && bitcoinHeight > 0 && bitcoinHeight <= BITCOIN_HEIGHT_LIMIT,
    'a coinbase is for a block height from 1 to 500,000,000'
  )
  invariant(auxFlags.length <= MAX_DIRECT_PUSH_BYTES, 'aux flags fit a direct push')
  invariant(poolSignature.length <= MAX_DIRECT_PUSH_BYTES, 'a pool signature fits a direct push')
}

/** No flags are pushed as one zero byte, not as an empty push (protocol §5.2). */
function auxFlagsPush(auxFlags: Uint8Array): Uint8Array {
  return pushData(auxFlags.length === 0 ? Uint8Array.of(0) : auxFlags)
}

function writeOutput(writer: ByteWriter, output: CoinbaseOutput): void {
  writer.u64(output.valueSats).varBytes(output.script)
}

/**
 * The coinbase as a block with a witness commitment carries it: marker, flag, and a witness of one item of 32 zero bytes
 * (BIP141).
 * @param stripped as `buildCoinbase` makes it, filled in
 */
export function coinbaseWithWitness(stripped: Uint8Array): Uint8Array {
  const lockTimeAt = stripped.length - 4
  return new ByteWriter(stripped.length + COINBASE_WITNESS_BYTES)
    .bytes(stripped.subarray(0, 4))
    .bytes(MARKER_AND_FLAG)
    .bytes(stripped.subarray(4, lockTimeAt))
    .compactSize(1)
    .varBytes(new Uint8Array(32))
    .bytes(stripped.subarray(lockTimeAt))
    .finish()
}

/** What `coinbaseWithWitness` adds: marker, flag, item count, item length, item. */
const COINBASE_WITNESS_BYTES = 2 + 1 + compactSizeLength(32) + 32

/** Weight of this coinbase in a block (BIP141): four units a byte, one for a byte of witness. */
export function coinbaseWeight(skeleton: CoinbaseSkeleton): number {
  return skeleton.bytes.length * 4 + COINBASE_WITNESS_BYTES
}
