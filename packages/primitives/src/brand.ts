import { bytesToHexReversed, hexToBytes } from './bytes.ts'
import { CodecError } from './codec-error.ts'
import { invariant } from './invariant.ts'

declare const brand: unique symbol

/** A `T` that only the constructors of this file make. Costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Hash of a share: 64 lower-case hex digits, display order (the digest reversed). Map keys, logs, JSON. */
export type ShareHash = Brand<string, 'ShareHash'>
/** Hash of a bitcoin block, in the same form. */
export type BlockHash = Brand<string, 'BlockHash'>
/** Hash of a transaction without its witness, in the same form. */
export type TxId = Brand<string, 'TxId'>

/** 32 raw bytes in wire order, the order the hash function gives. Inside codecs and hashing only. */
export type Bytes32 = Uint8Array

/** Milliseconds since 1970 by the wall clock, an integer. People and programs set it, both ways and by any amount. */
export type UnixMs = Brand<number, 'UnixMs'>
/** Seconds since 1970, an integer. */
export type UnixSec = Brand<number, 'UnixSec'>
/**
 * Milliseconds by a clock that nobody sets: it never falls and runs at the usual pace. An integer, at least 0, whose zero
 * is any moment before the process began; it says nothing across processes.
 */
export type SteadyMs = Brand<number, 'SteadyMs'>

/** One moment by both clocks. What waits or measures uses the steady one, what is compared with others' times the wall's. */
export interface Moment {
  readonly wallMs: UnixMs
  readonly steadyMs: SteadyMs
}

/** Height on the share chain; the genesis share has 0. */
export type Height = number
/** Height on the bitcoin chain. */
export type BitcoinHeight = number
/** A target in bitcoin's compact form: u32 as in a header. */
export type CompactBits = number
/** Basis points: 1 is 1/10,000. */
export type Bps = number
/** Satoshis. */
export type Sats = bigint
/** Expected number of hashes. */
export type Work = bigint

const DISPLAY_HASH = /^[0-9a-f]{64}$/

function checkDisplay(displayHex: string): string {
  if (!DISPLAY_HASH.test(displayHex)) throw new CodecError('malformed', 'a hash is 64 lower-case hex digits')
  return displayHex
}

function displayFromWire(hashWire: Bytes32): string {
  if (hashWire.length !== 32) throw new CodecError('malformed', 'a hash is 32 bytes')
  return bytesToHexReversed(hashWire)
}

/** @throws CodecError `malformed` unless 64 lower-case hex digits */
export function shareHash(displayHex: string): ShareHash {
  return checkDisplay(displayHex) as ShareHash
}

/** @throws CodecError `malformed` unless 64 lower-case hex digits */
export function blockHash(displayHex: string): BlockHash {
  return checkDisplay(displayHex) as BlockHash
}

/** @throws CodecError `malformed` unless 64 lower-case hex digits */
export function txId(displayHex: string): TxId {
  return checkDisplay(displayHex) as TxId
}

/** @throws CodecError `malformed` unless 32 bytes */
export function shareHashFromWire(hashWire: Bytes32): ShareHash {
  return displayFromWire(hashWire) as ShareHash
}

/** @throws CodecError `malformed` unless 32 bytes */
export function blockHashFromWire(hashWire: Bytes32): BlockHash {
  return displayFromWire(hashWire) as BlockHash
}

/** @throws CodecError `malformed` unless 32 bytes */
export function txIdFromWire(hashWire: Bytes32): TxId {
  return displayFromWire(hashWire) as TxId
}

/**
 * The raw form of any hash in text.
 * @param hashDisplay 64 hex digits, display order
 * @returns 32 new bytes, wire order
 * @throws CodecError `malformed` unless 64 hex digits
 */
export function wireFromDisplay(hashDisplay: string): Bytes32 {
  if (hashDisplay.length !== 64) throw new CodecError('malformed', 'a hash is 64 hex digits')
  return hexToBytes(hashDisplay).reverse()
}

/** The parent of the genesis share. */
export const ZERO_SHARE_HASH: ShareHash = shareHash('0'.repeat(64))
/** The parent of the genesis block. */
export const ZERO_BLOCK_HASH: BlockHash = blockHash('0'.repeat(64))

/** @throws InvariantError unless an integer; times from outside are checked where they come in */
export function unixMs(ms: number): UnixMs {
  invariant(Number.isSafeInteger(ms), 'a time in milliseconds is an integer')
  return ms as UnixMs
}

/** @throws InvariantError unless an integer; times from outside are checked where they come in */
export function unixSec(sec: number): UnixSec {
  invariant(Number.isSafeInteger(sec), 'a time in seconds is an integer')
  return sec as UnixSec
}

/** @throws InvariantError unless an integer */
export function steadyMs(ms: number): SteadyMs {
  invariant(Number.isSafeInteger(ms), 'a time in milliseconds is an integer')
  return ms as SteadyMs
}

/** Rounds down. */
export function secFromMs(ms: UnixMs): UnixSec {
  return unixSec(Math.floor(ms / 1000))
}

/** The first millisecond of the second. */
export function msFromSec(sec: UnixSec): UnixMs {
  return unixMs(sec * 1000)
}
