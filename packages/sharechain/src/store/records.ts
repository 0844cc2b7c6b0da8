import type { ArchivedHeight, ChainName, ConsensusAddress, HeaderBatchItem, PaddingMark } from '@p2poolv2/consensus'
import { PADDING_MARKS, writeHeaderBatch } from '@p2poolv2/consensus'
import type { BlockHash, CompactBits, Height, ShareHash, Work } from '@p2poolv2/primitives'
import {
  ByteReader,
  ByteWriter,
  blockHashFromWire,
  bytesToAscii,
  CodecError,
  shareHash,
  shareHashFromWire,
  utf8FromString,
  utf8ToString,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { compareDigests } from '../tree/hash-order.ts'
import type { FoundBlock, FoundBlockOutput, HeaderRecord, StoreIdentity } from './share-store.ts'

/** The layout of keys and values. Raised with every change of one, together with a step in `layout-steps.ts`. */
export const SCHEMA_VERSION = 4

/** What the store knows of a share's validity. */
export type Validity = 'headerValid' | 'invalid' | 'blockValid'

const VALIDITIES: readonly Validity[] = ['headerValid', 'invalid', 'blockValid']
/** Of an integer that a number holds without loss. */
const MAX_EXACT_BYTES = 6
/** A longer rule code is damage. */
const MAX_CODE_BYTES = 64
const FLAG_BODY = 0x04
const FLAG_CONTEXT_SKIPPED = 0x08
const PADDING_SHIFT = 4
const PADDING_MASK = 0x70
const FLAG_SCRIPTS_UNCHECKED = 0x80

/** One share in the header index. Height and hash are in the key. */
export interface IndexRow {
  readonly prevHash: ShareHash
  readonly bits: CompactBits
  readonly timeSec: number
  readonly chainWork: Work
  /** Class and script only: the text is made once a miner, not once a row. */
  readonly miner: Pick<ConsensusAddress, 'addressClass' | 'script'>
  readonly uncles: readonly ShareHash[]
  readonly validity: Validity
  readonly hasBody: boolean
  /** Bytes of the stored body; 0 without one. */
  readonly bodyBytes: number
  /** The code of the rule an invalid share breaks; empty for others. */
  readonly verdict: string
  /** The version of the rules that gave the share its validity. */
  readonly rulesVersion: number
  /** Valid by the rules below the payout window only: its time and payouts were never looked at. */
  readonly contextSkipped: boolean
  /** Valid, but it carries transactions whose scripts were never run. */
  readonly scriptsUnchecked: boolean
  /** Of the body, also where that is gone. */
  readonly padding: PaddingMark
}

/** Where the two chains end. */
export interface StateRow {
  readonly sequence: number
  readonly confirmedTip: ShareHash
  readonly candidateTip: ShareHash
  /** Uncles named by confirmed shares since the genesis. */
  readonly uncleCount: number
}

export function encodeIndexRow(row: IndexRow): Uint8Array {
  return writeIndexRow(row).finish()
}

/** A writer with the bytes of `encodeIndexRow`. */
export function writeIndexRow(row: IndexRow): ByteWriter {
  const flags =
    VALIDITIES.indexOf(row.validity) |
    (row.hasBody ? FLAG_BODY : 0) |
    (row.contextSkipped ? FLAG_CONTEXT_SKIPPED : 0) |
    (row.scriptsUnchecked ? FLAG_SCRIPTS_UNCHECKED : 0) |
    (PADDING_MARKS.indexOf(row.padding) << PADDING_SHIFT)
  const writer = new ByteWriter().u8(flags).u32(row.bits).u32(row.timeSec).bytes(wireFromDisplay(row.prevHash))
  writeWork(writer, row.chainWork)
  writer.u8(row.miner.addressClass).varBytes(row.miner.script).u8(row.uncles.length)
  for (const uncle of row.uncles) writer.bytes(wireFromDisplay(uncle))
  return writer.u32(row.bodyBytes).u16(row.rulesVersion).varBytes(utf8FromString(row.verdict))
}

/** @throws CodecError when the bytes are not an index row */
export function decodeIndexRow(bytes: Uint8Array): IndexRow {
  const reader = new ByteReader(bytes)
  const flags = reader.u8()
  const validity = VALIDITIES[flags & 3]
  const padding = PADDING_MARKS[(flags & PADDING_MASK) >> PADDING_SHIFT]
  if (validity === undefined || padding === undefined) throw new CodecError('malformed', 'unknown share flags')
  const bits = reader.u32()
  const timeSec = reader.u32()
  const prevHash = shareHashFromWire(reader.bytes(32))
  const chainWork = readWork(reader)
  const addressClass = reader.u8()
  if (addressClass !== 0 && addressClass !== 1 && addressClass !== 2) {
    throw new CodecError('malformed', 'unknown address class')
  }
  const script = reader.varBytes(64)
  const uncles: ShareHash[] = []
  for (let left = reader.u8(); left > 0; left--) uncles.push(shareHashFromWire(reader.bytes(32)))
  const bodyBytes = reader.u32()
  const rulesVersion = reader.u16()
  const verdict = bytesToAscii(reader.varBytes(MAX_CODE_BYTES))
  reader.expectEnd()
  const hasBody = (flags & FLAG_BODY) !== 0
  const contextSkipped = (flags & FLAG_CONTEXT_SKIPPED) !== 0
  const scriptsUnchecked = (flags & FLAG_SCRIPTS_UNCHECKED) !== 0
  return {
    prevHash,
    bits,
    timeSec,
    chainWork,
    miner: { addressClass, script },
    uncles,
    validity,
    hasBody,
    bodyBytes,
    verdict,
    rulesVersion,
    contextSkipped,
    scriptsUnchecked,
    padding
  }
}

export function encodeState(state: StateRow): Uint8Array {
  return new ByteWriter()
    .u64(BigInt(state.sequence))
    .bytes(wireFromDisplay(state.confirmedTip))
    .bytes(wireFromDisplay(state.candidateTip))
    .u64(BigInt(state.uncleCount))
    .finish()
}

/** @throws CodecError when the bytes are not a state row */
export function decodeState(bytes: Uint8Array): StateRow {
  const reader = new ByteReader(bytes)
  const sequence = readCount(reader)
  const confirmedTip = shareHashFromWire(reader.bytes(32))
  const candidateTip = shareHashFromWire(reader.bytes(32))
  const uncleCount = readCount(reader)
  reader.expectEnd()
  return { sequence, confirmedTip, candidateTip, uncleCount }
}

/** Height and a batch of one header. */
export function encodeHeaderRecord(height: Height, item: HeaderBatchItem): Uint8Array {
  return writeHeaderBatch(new ByteWriter(1_024).u32(height), [item]).finish()
}

/** @throws CodecError when too short; the batch itself is decoded by consensus */
export function decodeHeaderRecord(bytes: Uint8Array): HeaderRecord {
  return { height: new ByteReader(bytes).u32(), batch: bytes.subarray(4) }
}

/** The chain's share of a height and, by digest, the others kept of it. */
export function encodeArchiveRow(chain: ShareHash, others: readonly ShareHash[]): Uint8Array {
  const writer = new ByteWriter().bytes(wireFromDisplay(chain))
  for (const other of [...others].sort(compareDigests)) writer.bytes(wireFromDisplay(other))
  return writer.finish()
}

/** @throws CodecError when the bytes are not hashes, one at least */
export function decodeArchiveRow(height: Height, bytes: Uint8Array): ArchivedHeight {
  const reader = new ByteReader(bytes)
  const chain = shareHashFromWire(reader.bytes(32))
  const hashes = [chain]
  for (let left = bytes.length / 32 - 1; left > 0; left--) hashes.push(shareHashFromWire(reader.bytes(32)))
  reader.expectEnd()
  return { height, chain, hashes: hashes.sort(compareDigests) }
}

export function encodeFoundBlock(block: FoundBlock): Uint8Array {
  const writer = new ByteWriter()
    .u32(block.bitcoinHeight)
    .bytes(wireFromDisplay(block.blockHash))
    .u32(block.timeSec)
    .bool(block.shareHash !== null)
  if (block.shareHash !== null) writer.bytes(wireFromDisplay(block.shareHash))
  writer.compactSize(block.outputs.length)
  for (const output of block.outputs) writer.varBytes(utf8FromString(output.address)).u64(output.valueSats)
  return writer.varBytes(utf8FromString(block.result)).finish()
}

/** @throws CodecError when the bytes are not a found block */
export function decodeFoundBlock(bytes: Uint8Array): FoundBlock {
  const reader = new ByteReader(bytes)
  const bitcoinHeight = reader.u32()
  const blockHash: BlockHash = blockHashFromWire(reader.bytes(32))
  const timeSec = reader.u32()
  const shareHashOrNull = reader.bool() ? shareHashFromWire(reader.bytes(32)) : null
  const outputs: FoundBlockOutput[] = []
  for (let left = reader.compactSize(bytes.length); left > 0; left--) {
    outputs.push({ address: utf8ToString(reader.varBytes(bytes.length)), valueSats: reader.u64() })
  }
  const result = utf8ToString(reader.varBytes(bytes.length))
  reader.expectEnd()
  return { bitcoinHeight, blockHash, timeSec, shareHash: shareHashOrNull, outputs, result }
}

/** JSON, so that a person with a hex dump can see what a store is. */
export function encodeIdentity(identity: StoreIdentity): Uint8Array {
  return utf8FromString(JSON.stringify(identity))
}

/** @throws CodecError when the bytes are not an identity */
export function decodeIdentity(bytes: Uint8Array): StoreIdentity {
  const parsed = parseJson(utf8ToString(bytes))
  if (typeof parsed !== 'object' || parsed === null) throw new CodecError('malformed', 'not a store identity')
  const { schemaVersion, chain, fingerprint, genesisHash } = parsed as Record<keyof StoreIdentity, unknown>
  if (typeof schemaVersion !== 'number' || !Number.isSafeInteger(schemaVersion)) {
    throw new CodecError('malformed', 'not a store identity')
  }
  if (typeof chain !== 'string' || typeof fingerprint !== 'string' || typeof genesisHash !== 'string') {
    throw new CodecError('malformed', 'not a store identity')
  }
  // The chain's name is only compared with the one configured, so an unknown name is a difference, not an error.
  return { schemaVersion, chain: chain as ChainName, fingerprint, genesisHash: shareHash(genesisHash) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CodecError('malformed', 'not a store identity')
  }
}

function readCount(reader: ByteReader): number {
  const count = reader.u64()
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw new CodecError('malformed', 'a count is out of range')
  return Number(count)
}

/** A length byte and that many bytes, little-endian, no zero at the top. */
function writeWork(writer: ByteWriter, work: Work): void {
  const bytes: number[] = []
  for (let rest = work; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn))
  writer.u8(bytes.length)
  for (const byte of bytes) writer.u8(byte)
}

function readWork(reader: ByteReader): Work {
  const bytes = reader.bytes(reader.u8())
  if (bytes.length <= MAX_EXACT_BYTES) return BigInt(bytes.reduceRight((work, byte) => work * 0x100 + byte, 0))
  let hex = '0x0'
  for (let i = bytes.length - 1; i >= 0; i--) hex += (bytes[i] as number).toString(16).padStart(2, '0')
  return BigInt(hex)
}
