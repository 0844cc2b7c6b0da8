/** The one file that knows the field order of a share. Source: protocol §2, §3.1, §8. */
import {
  BITCOIN_HEADER_BYTES,
  decodeBitcoinHeader,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  transactionBytes,
  writeBitcoinHeader
} from '@p2poolv2/bitcoin'
import {
  ByteReader,
  type Bytes32,
  ByteWriter,
  bytesEqual,
  CodecError,
  type CompactBits,
  compactSizeLength,
  type ShareHash,
  sha256d,
  shareHashFromWire,
  wireFromDisplay
} from '@p2poolv2/primitives'
import {
  type CoinbaseProof,
  type ConsensusAddress,
  consensusAddressFromScript,
  type Share,
  type ShareHeader,
  type WitnessProgram
} from '../share.ts'

/** The largest frame of the network (protocol §18.3) without its message type; no honest share comes near it. */
export const MAX_ENCODED_SHARE_BYTES = 1_048_575
/** A bitcoin tree deeper than this could not fit a block; more nodes are a decode error (protocol §8). */
export const MAX_BRANCH_NODES = 16
/** P2PKH, P2SH and witness programs: the longest is a 40-byte program. Longer ones are refused before they are read. */
const MAX_ADDRESS_SCRIPT_BYTES = 42
/** A version above it is a decode error (BIP141). */
const MAX_WITNESS_VERSION = 16
const MIN_PROGRAM_BYTES = 2
/** A longer program is a decode error (BIP141). */
const MAX_PROGRAM_BYTES = 40
/** version, one empty input list in segwit form, flag, output count, locktime; bounds counts before allocation. */
const MIN_TRANSACTION_BYTES = 10
const HASH_BYTES = 32
/** More than a header has, but for one with many uncles. */
const HEADER_ROOM_BYTES = 512
/** More are a decode error: the gate allows three, and before it has seen any work a frame full of them is a lot of text. */
const MAX_DECODED_UNCLES = 256
const NO_ROOT = new Uint8Array(0)

export function writeAddress(writer: ByteWriter, address: ConsensusAddress): ByteWriter {
  return writer.u8(address.addressClass).varBytes(address.script)
}

export function writeWitnessProgram(writer: ByteWriter, program: WitnessProgram): ByteWriter {
  return writer.u8(program.version).u8(program.program.length).bytes(program.program)
}

export function writeHashes(writer: ByteWriter, hashes: readonly ShareHash[]): ByteWriter {
  writer.compactSize(hashes.length)
  for (const hash of hashes) writer.bytes(wireFromDisplay(hash))
  return writer
}

/** The canonical header (protocol §3.1). */
export function encodeShareHeader(header: ShareHeader): Uint8Array {
  return writeShareHeader(new ByteWriter(HEADER_ROOM_BYTES), header).finish()
}

export function writeShareHeader(writer: ByteWriter, header: ShareHeader): ByteWriter {
  return writeHeader(writer, header, header.bitcoinHeader.merkleRootWire)
}

/** The canonical header without the bitcoin merkle root; only inside header batches (protocol §3.1, §9). */
export function writeShareHeaderWithoutRoot(writer: ByteWriter, header: ShareHeader): ByteWriter {
  return writeHeader(writer, header, NO_ROOT)
}

function writeHeader(writer: ByteWriter, header: ShareHeader, root: Uint8Array): ByteWriter {
  writer.bytes(wireFromDisplay(header.prevShareHash))
  writeHashes(writer, header.uncles)
  writeAddress(writer, header.minerBitcoinAddress)
  writeWitnessProgram(writer, header.minerAddress)
  writeBitcoinHeader(writer, header.bitcoinHeader, root)
  writer.u32(header.bits).u32(header.timeSec)
  writeOptionalAddress(writer, header.donationAddress).u16(header.donationBps)
  writeOptionalAddress(writer, header.feeAddress).u16(header.feeBps)
  writer.u64(header.bitcoinHeight)
  const proof = header.coinbaseProof
  return writer.bytes(proof.midstate).u32(proof.prefixLengthBytes).bytes(proof.shareWitnessRoot)
}

function writeOptionalAddress(writer: ByteWriter, address: ConsensusAddress | null): ByteWriter {
  writer.bool(address !== null)
  return address === null ? writer : writeAddress(writer, address)
}

/**
 * Reads a canonical header. Byte fields of the result are views into the reader's bytes.
 * @throws CodecError; a header that decodes is not thereby valid
 */
export function decodeShareHeader(reader: ByteReader): ShareHeader {
  return readHeader(reader)
}

/** Reads a header without root; `root` is the result's merkle root. @throws CodecError */
export function decodeShareHeaderWithoutRoot(reader: ByteReader, root: Bytes32): ShareHeader {
  return readHeader(reader, root)
}

function readHeader(reader: ByteReader, root?: Bytes32): ShareHeader {
  const prevShareHash = shareHashFromWire(reader.bytes(HASH_BYTES))
  const uncles = readHashes(reader)
  const minerBitcoinAddress = readAddress(reader)
  const minerAddress = readWitnessProgram(reader)
  const bitcoinHeader = decodeBitcoinHeader(reader, root)
  const bits = reader.u32()
  const timeSec = reader.u32()
  const donationAddress = readOptionalAddress(reader)
  const donationBps = reader.u16()
  const feeAddress = readOptionalAddress(reader)
  const feeBps = reader.u16()
  const bitcoinHeight = reader.u64()
  return {
    prevShareHash,
    uncles,
    minerBitcoinAddress,
    minerAddress,
    bitcoinHeader,
    bits,
    timeSec,
    donationAddress,
    donationBps,
    feeAddress,
    feeBps,
    bitcoinHeight,
    coinbaseProof: readProof(reader)
  }
}

function readProof(reader: ByteReader): CoinbaseProof {
  return {
    midstate: reader.bytes(HASH_BYTES),
    prefixLengthBytes: reader.u32(),
    shareWitnessRoot: reader.bytes(HASH_BYTES)
  }
}

/** More uncles than a share may name decode too: how many it may is the header gate's rule. */
function readHashes(reader: ByteReader): ShareHash[] {
  const count = reader.compactSize(Math.min(MAX_DECODED_UNCLES, Math.floor(reader.remaining / HASH_BYTES)))
  const hashes: ShareHash[] = []
  for (let i = 0; i < count; i++) hashes.push(shareHashFromWire(reader.bytes(HASH_BYTES)))
  return hashes
}

function readAddress(reader: ByteReader): ConsensusAddress {
  const address = consensusAddressFromScript(reader.u8(), reader.varBytes(MAX_ADDRESS_SCRIPT_BYTES))
  if (address === null) throw new CodecError('malformed', 'the class or script is no bitcoin address')
  return address
}

function readOptionalAddress(reader: ByteReader): ConsensusAddress | null {
  return reader.bool() ? readAddress(reader) : null
}

function readWitnessProgram(reader: ByteReader): WitnessProgram {
  const version = reader.u8()
  if (version > MAX_WITNESS_VERSION) throw new CodecError('malformed', 'the witness version is above 16')
  const length = reader.u8()
  if (length > MAX_PROGRAM_BYTES) throw new CodecError('oversize', 'a witness program is at most 40 bytes')
  if (length < MIN_PROGRAM_BYTES || (version === 0 && length !== 20 && length !== 32)) {
    throw new CodecError('malformed', 'the witness program’s length does not fit its version')
  }
  return { version, program: reader.bytes(length) }
}

/** SHA256d of the canonical header; never over received bytes. */
export function shareHashOf(header: ShareHeader): ShareHash {
  return shareHashFromWire(writeShareHeader(new ByteWriter(HEADER_ROOM_BYTES), header).lend(sha256d))
}

/**
 * A share never changes, and is stored and sent as it was read: views, of bytes that it holds anyway. One whose header is not
 * in its one canonical form has none.
 */
const ENCODINGS = new WeakMap<Share, Uint8Array>()

/**
 * The whole share (protocol §8).
 * @returns not to be written to: for a share that was decoded, the bytes it came from
 * @throws CodecError `oversize` for one that no message can carry
 */
export function encodeShare(share: Share): Uint8Array {
  const known = ENCODINGS.get(share)
  if (known !== undefined) return known
  const writer = new ByteWriter(2048)
  writeShareHeader(writer, share.header).compactSize(share.transactions.length)
  for (const transaction of share.transactions) writer.bytes(encodeTransaction(transaction))
  writeBranch(writer, share.merkleBranch).bytes(encodeTransaction(share.bitcoinCoinbase))
  if (writer.length > MAX_ENCODED_SHARE_BYTES) {
    throw new CodecError('oversize', `a share is at most ${MAX_ENCODED_SHARE_BYTES} bytes`)
  }
  return writer.finish()
}

export function writeBranch(writer: ByteWriter, branch: Uint8Array): ByteWriter {
  return writer.compactSize(branch.length / HASH_BYTES).bytes(branch)
}

/** n × 32 bytes, n <= 16. @throws CodecError */
export function readBranch(reader: ByteReader): Uint8Array {
  return reader.bytes(reader.compactSize(MAX_BRANCH_NODES) * HASH_BYTES)
}

export interface ShareLimits {
  readonly maxBytes: number
}

const DEFAULT_LIMITS: ShareLimits = { maxBytes: MAX_ENCODED_SHARE_BYTES }

/**
 * Reads a whole share and computes its hash over the re-encoded header. The result views into `bytes`, which the caller
 * must leave alone from then on.
 * @throws CodecError for anything malformed, above a limit, or followed by further bytes
 */
export function decodeShare(bytes: Uint8Array, limits: ShareLimits = DEFAULT_LIMITS): Share {
  if (bytes.length > limits.maxBytes) throw new CodecError('oversize', `a share is at most ${limits.maxBytes} bytes`)
  const reader = new ByteReader(bytes)
  const header = decodeShareHeader(reader)
  const received = reader.since(0)
  const count = reader.compactSize(Math.floor(reader.remaining / MIN_TRANSACTION_BYTES))
  const transactions: Transaction[] = []
  for (let i = 0; i < count; i++) transactions.push(decodeTransaction(reader))
  const merkleBranch = readBranch(reader)
  const bitcoinCoinbase = decodeTransaction(reader)
  reader.expectEnd()
  const { hash, isCanonical } = writeShareHeader(new ByteWriter(HEADER_ROOM_BYTES), header).lend(canonical => ({
    hash: shareHashFromWire(sha256d(canonical)),
    isCanonical: bytesEqual(canonical, received)
  }))
  const share = { hash, header, transactions, merkleBranch, bitcoinCoinbase }
  // Everything behind the header has one form only.
  if (isCanonical) ENCODINGS.set(share, bytes)
  return share
}

/** Length of `encodeShare(share)`: what it takes in a frame, in the store and, nearly, in memory. */
export function shareBodyBytes(share: Share): number {
  const known = ENCODINGS.get(share)
  if (known !== undefined) return known.length
  const branchNodes = share.merkleBranch.length / HASH_BYTES
  const headerBytes = writeShareHeader(new ByteWriter(HEADER_ROOM_BYTES), share.header).lend(written => written.length)
  let length = headerBytes + compactSizeLength(share.transactions.length)
  for (const transaction of share.transactions) length += transactionBytes(transaction)
  length += compactSizeLength(branchNodes) + share.merkleBranch.length
  return length + transactionBytes(share.bitcoinCoinbase)
}

/** The fields a node sorts incoming shares by. */
export interface SharePeek {
  readonly prevShareHash: ShareHash
  readonly uncles: readonly ShareHash[]
  /** 80 bytes, a view. */
  readonly bitcoinHeader: Uint8Array
  readonly bits: CompactBits
  readonly timeSec: number
}

/**
 * Reads the head of an encoded share or header and steps over the addresses without judging them.
 * @throws CodecError
 */
export function peekShare(bytes: Uint8Array): SharePeek {
  const reader = new ByteReader(bytes)
  const prevShareHash = shareHashFromWire(reader.bytes(HASH_BYTES))
  const uncles = readHashes(reader)
  reader.u8()
  reader.varBytes(MAX_ADDRESS_SCRIPT_BYTES)
  reader.u8()
  const programBytes = reader.u8()
  if (programBytes > MAX_PROGRAM_BYTES) throw new CodecError('oversize', 'a witness program is at most 40 bytes')
  reader.bytes(programBytes)
  const bitcoinHeader = reader.bytes(BITCOIN_HEADER_BYTES)
  return { prevShareHash, uncles, bitcoinHeader, bits: reader.u32(), timeSec: reader.u32() }
}
