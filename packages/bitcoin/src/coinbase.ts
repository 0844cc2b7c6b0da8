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
const U32_RANGE = 0x1_0000_0000
const LOCK_TIME_BYTES = 4
const VALUE_BYTES = 8
/** A compact size from here on has more than one byte. */
const MIN_LONG_LENGTH = 0xfd
/** Shorter scripts are copied byte by byte: the call would cost more. */
const MAX_LOOPED_BYTES = 48
const MARKER_AND_FLAG = Uint8Array.of(0, 1)
/** The output that commits to nothing yet: OP_RETURN and a push of 32 bytes. */
const NO_COMMITMENT = { valueSats: 0n, script: new Uint8Array(2 + COMMITMENT_BYTES) }
NO_COMMITMENT.script.set([0x6a, 0x20])
const NULL_PREVOUT_HASH = new Uint8Array(32)

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
  const { outputs } = parts
  const witness = parts.witnessCommitmentScript
  const last: CoinbaseOutput[] = witness === null ? [] : [{ valueSats: 0n, script: witness }]
  // The count is part of the prefix, so it counts padding and commitment before they exist.
  const head = headOf(parts, outputs.length + last.length + (parts.padding === null ? 0 : 2))
  let lengthBytes = head.bytes.length
  for (let i = 0; i < outputs.length; i++) lengthBytes += outputBytes(outputs[i] as CoinbaseOutput)
  for (const output of last) lengthBytes += outputBytes(output)

  let prefixLengthBytes = 0
  if (parts.padding !== null) {
    const padding = paddingOutput(parts.padding, lengthBytes)
    prefixLengthBytes = lengthBytes + outputBytes(padding)
    invariant(prefixLengthBytes % 64 === 0, 'the padding output fills the last hash block')
    last.push(padding, NO_COMMITMENT)
    lengthBytes = prefixLengthBytes + outputBytes(NO_COMMITMENT)
  }
  // A coinbase of hundreds of outputs is written where it stays.
  const bytes = new Uint8Array(lengthBytes + LOCK_TIME_BYTES)
  bytes.set(head.bytes)
  let at = head.bytes.length
  for (let i = 0; i < outputs.length; i++) at = putOutput(bytes, at, outputs[i] as CoinbaseOutput)
  for (const output of last) at = putOutput(bytes, at, output)
  putU32(bytes, at, parts.bitcoinHeight - 1)
  return {
    bytes,
    extranonceOffset: head.extranonceOffset,
    nsecsOffset: head.nsecsOffset,
    commitmentOffset: parts.padding === null ? null : at - COMMITMENT_BYTES,
    prefixLengthBytes
  }
}

/** Everything before the first output. */
function headOf(parts: CoinbaseParts, outputCount: number) {
  const beforeExtranonce = new ByteWriter()
    .bytes(scriptNumberPush(parts.bitcoinHeight))
    .bytes(auxFlagsPush(parts.auxFlags))
    .u8(EXTRANONCE_BYTES)
    .finish()
  const signature = pushData(parts.poolSignature)
  const scriptLength = beforeExtranonce.length + EXTRANONCE_BYTES + 1 + NSECS_BYTES + signature.length
  const writer = new ByteWriter().i32(COINBASE_VERSION).compactSize(1)
  writer.bytes(NULL_PREVOUT_HASH).u32(NULL_PREVOUT_INDEX).compactSize(scriptLength).bytes(beforeExtranonce)
  const extranonceOffset = writer.length
  writer.bytes(new Uint8Array(EXTRANONCE_BYTES)).u8(NSECS_BYTES)
  const nsecsOffset = writer.length
  writer.bytes(new Uint8Array(NSECS_BYTES)).bytes(signature).u32(COINBASE_SEQUENCE).compactSize(outputCount)
  return { bytes: writer.finish(), extranonceOffset, nsecsOffset }
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

function outputBytes({ script }: CoinbaseOutput): number {
  const { length } = script
  return VALUE_BYTES + (length < MIN_LONG_LENGTH ? 1 : compactSizeLength(length)) + length
}

/** @returns where the next one goes */
function putOutput(bytes: Uint8Array, at: number, { valueSats, script }: CoinbaseOutput): number {
  const value = Number(valueSats)
  invariant(value >= 0 && value <= Number.MAX_SAFE_INTEGER, 'an amount is from 0 to 2^53-1 satoshis')
  putU32(bytes, at, value)
  putU32(bytes, at + 4, Math.floor(value / U32_RANGE))
  let scriptAt = at + VALUE_BYTES
  const { length } = script
  if (length < MIN_LONG_LENGTH) bytes[scriptAt++] = length
  else {
    const lengthBytes = new ByteWriter().compactSize(length).finish()
    bytes.set(lengthBytes, scriptAt)
    scriptAt += lengthBytes.length
  }
  if (length > MAX_LOOPED_BYTES) bytes.set(script, scriptAt)
  else for (let i = 0; i < length; i++) bytes[scriptAt + i] = script[i] as number
  return scriptAt + length
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
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
