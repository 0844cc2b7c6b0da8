import type { ByteReader, Bytes32 } from '@p2poolv2/primitives'
import { ByteWriter, CodecError, compactSizeLength, sha256d } from '@p2poolv2/primitives'

export interface TxInput {
  /** 32 bytes, wire order */
  readonly prevTxidWire: Bytes32
  /** u32; 0xffffffff for the null prevout */
  readonly prevIndex: number
  readonly scriptSig: Uint8Array
  /** u32 */
  readonly sequence: number
  /** The stack items, empty for an input without witness. */
  readonly witness: readonly Uint8Array[]
}

export interface TxOutput {
  /** u64 on the wire; that it is money (at most 21e14) is a rule, not part of the codec */
  readonly valueSats: bigint
  readonly script: Uint8Array
}

export interface Transaction {
  /** i32 */
  readonly version: number
  readonly inputs: readonly TxInput[]
  readonly outputs: readonly TxOutput[]
  /** u32 */
  readonly lockTime: number
}

const SEGWIT_FLAG = 1

/** A transaction never changes, and one that was read is written as it was read: views, of bytes that its scripts hold anyway. */
const ENCODINGS = new WeakMap<Transaction, Uint8Array>()

/**
 * Reads a transaction in the old or the BIP144 form and leaves the reader behind it (protocol §1).
 * Strict: for every transaction exactly one byte string is accepted, the one `encodeTransaction` writes.
 * Hashes, scripts and witness items are views into the reader's bytes. What is kept in memory never outgrows the input by
 * more than a constant factor, because every input, output and item takes bytes of its own.
 * @throws CodecError `truncated`, `non-minimal`, or `malformed` for an unknown flag or a witness form without a witness
 */
export function decodeTransaction(reader: ByteReader): Transaction {
  const start = reader.offset
  const transaction = readTransaction(reader)
  ENCODINGS.set(transaction, reader.since(start))
  return transaction
}

function readTransaction(reader: ByteReader): Transaction {
  const version = reader.i32()
  const firstCount = reader.compactSize()
  // No old-form transaction has zero inputs, so a zero here is BIP144's marker.
  const hasWitnessForm = firstCount === 0
  if (hasWitnessForm && reader.u8() !== SEGWIT_FLAG) throw new CodecError('malformed', 'unknown transaction flag')
  const bareInputs = readMany(hasWitnessForm ? reader.compactSize() : firstCount, () => readInput(reader))
  const outputs = readMany(reader.compactSize(), () => readOutput(reader))
  const inputs = hasWitnessForm ? bareInputs.map(input => ({ ...input, witness: readWitness(reader) })) : bareInputs
  if (hasWitnessForm && inputs.length > 0 && !inputs.some(hasWitness)) {
    throw new CodecError('malformed', 'a transaction in witness form has no witness')
  }
  return { version, inputs, outputs, lockTime: reader.u32() }
}

/** Reads until the bytes run out at the latest, so a count that promises more costs nothing. */
function readMany<T>(count: number, readOne: () => T): T[] {
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(readOne())
  return items
}

function readInput(reader: ByteReader): TxInput {
  return {
    prevTxidWire: reader.bytes(32),
    prevIndex: reader.u32(),
    scriptSig: reader.varBytes(reader.remaining),
    sequence: reader.u32(),
    witness: []
  }
}

function readOutput(reader: ByteReader): TxOutput {
  return { valueSats: reader.u64(), script: reader.varBytes(reader.remaining) }
}

function readWitness(reader: ByteReader): Uint8Array[] {
  return readMany(reader.compactSize(), () => reader.varBytes(reader.remaining))
}

/** Without a witness both forms are one. */
function isOldForm({ inputs }: Transaction): boolean {
  return inputs.length > 0 && !inputs.some(hasWitness)
}

function hasWitness(input: TxInput): boolean {
  return input.witness.length > 0
}

/**
 * The full form: BIP144 if an input has a witness or there are no inputs, else the old form.
 * @returns not to be written to: for a transaction that was decoded, the bytes it came from
 */
export function encodeTransaction(tx: Transaction): Uint8Array {
  const known = ENCODINGS.get(tx)
  if (known !== undefined) return known
  if (isOldForm(tx)) return encodeTransactionStripped(tx)
  const writer = new ByteWriter(512).i32(tx.version).u8(0).u8(SEGWIT_FLAG)
  writeInputsAndOutputs(writer, tx)
  for (const { witness } of tx.inputs) {
    writer.compactSize(witness.length)
    for (const item of witness) writer.varBytes(item)
  }
  return writer.u32(tx.lockTime).finish()
}

/** The form without witnesses, which the txid hashes. @returns not to be written to, as of `encodeTransaction` */
export function encodeTransactionStripped(tx: Transaction): Uint8Array {
  const known = ENCODINGS.get(tx)
  if (known !== undefined && isOldForm(tx)) return known
  return writeStripped(tx).finish()
}

function writeStripped(tx: Transaction): ByteWriter {
  const writer = new ByteWriter(512).i32(tx.version)
  writeInputsAndOutputs(writer, tx)
  return writer.u32(tx.lockTime)
}

function writeInputsAndOutputs(writer: ByteWriter, tx: Transaction): void {
  writer.compactSize(tx.inputs.length)
  for (const input of tx.inputs) {
    writer.bytes(input.prevTxidWire).u32(input.prevIndex).varBytes(input.scriptSig).u32(input.sequence)
  }
  writer.compactSize(tx.outputs.length)
  for (const output of tx.outputs) writer.u64(output.valueSats).varBytes(output.script)
}

/** Length of `encodeTransaction(tx)`, without encoding it. */
export function transactionBytes(tx: Transaction): number {
  const known = ENCODINGS.get(tx)
  if (known !== undefined) return known.length
  const { inputs, outputs } = tx
  // Version and lock time.
  let length = 8 + compactSizeLength(inputs.length) + compactSizeLength(outputs.length)
  for (const { scriptSig } of inputs) length += 40 + varBytesLength(scriptSig)
  for (const { script } of outputs) length += 8 + varBytesLength(script)
  if (isOldForm(tx)) return length
  for (const { witness } of inputs) {
    length += compactSizeLength(witness.length)
    for (const item of witness) length += varBytesLength(item)
  }
  return length + 2
}

function varBytesLength({ length }: Uint8Array): number {
  return compactSizeLength(length) + length
}

/** A transaction never changes, and several rules ask for its txid in turn. */
const TXIDS = new WeakMap<Transaction, Bytes32>()

/** 32 bytes, wire order. */
export function txidWire(tx: Transaction): Bytes32 {
  const known = TXIDS.get(tx)
  if (known !== undefined) return known
  const encoded = isOldForm(tx) ? ENCODINGS.get(tx) : undefined
  const txid = encoded === undefined ? writeStripped(tx).lend(sha256d) : sha256d(encoded)
  TXIDS.set(tx, txid)
  return txid
}

/** 32 bytes, wire order; equals the txid of a transaction without witness (BIP141). */
export function wtxidWire(tx: Transaction): Bytes32 {
  return sha256d(encodeTransaction(tx))
}
