/** The bitcoin coinbase that a share carries, taken apart. The transaction every share opens with is `share-coinbase.ts`. */
import {
  BITCOIN_HEIGHT_LIMIT,
  COINBASE_SEQUENCE,
  COINBASE_TAIL_BYTES,
  COINBASE_VERSION,
  EXTRANONCE_BYTES,
  encodeTransactionStripped,
  isWitnessCommitmentScript,
  MAX_DIRECT_PUSH_BYTES,
  NSECS_BYTES,
  NULL_PREVOUT_INDEX,
  type PaddingForm,
  paddingFormsOf,
  readPush,
  scriptNumberPush,
  type Transaction,
  type TxInput,
  type TxOutput
} from '@p2poolv2/bitcoin'
import { type BitcoinHeight, bytesEqual, invariant } from '@p2poolv2/primitives'

/** What a share's bitcoin coinbase says. Byte fields are views into the transaction. */
export interface BitcoinCoinbase {
  readonly ok: true
  readonly bitcoinHeight: BitcoinHeight
  /** Empty for none. */
  readonly auxFlags: Uint8Array
  /** 12 bytes */
  readonly extranonce: Uint8Array
  readonly nsecs: bigint
  /** Of whoever built the block; 0 to 75 bytes, and any is right. */
  readonly poolSignature: Uint8Array
  readonly witnessCommitmentScript: Uint8Array | null
  /** Donation, fee and payouts, in their order. */
  readonly outputsBeforeWitness: readonly TxOutput[]
  /** Every form that would make this padding; at least one. */
  readonly paddingForms: readonly PaddingForm[]
  /** 32 bytes */
  readonly commitment: Uint8Array
}

/**
 * Takes a share's coinbase apart (protocol §12.7, step 2d).
 * Strict about the five pushes, the lock time and the last outputs; whether payouts and commitment are right is for the
 * caller, who rebuilds the coinbase from the answer and compares.
 * @returns `{ ok: false }` for anything that is not laid out as protocol §5
 */
export function parseBitcoinCoinbase(tx: Transaction): BitcoinCoinbase | { readonly ok: false } {
  const [input] = tx.inputs
  const script =
    input !== undefined && tx.inputs.length === 1 && isNullInput(input) ? parseScript(input.scriptSig) : null
  const tail = parseOutputs(tx)
  if (script === null || tail === null) return NOT_A_SHARE_COINBASE
  if (tx.version !== COINBASE_VERSION || tx.lockTime !== script.bitcoinHeight - 1) return NOT_A_SHARE_COINBASE
  return { ok: true, ...script, ...tail }
}

const NOT_A_SHARE_COINBASE = Object.freeze({ ok: false })

function isNullInput(input: TxInput): boolean {
  return (
    input.prevIndex === NULL_PREVOUT_INDEX &&
    input.sequence === COINBASE_SEQUENCE &&
    input.prevTxidWire.every(byte => byte === 0)
  )
}

type ScriptFields = Pick<BitcoinCoinbase, 'bitcoinHeight' | 'auxFlags' | 'extranonce' | 'nsecs' | 'poolSignature'>

function parseScript(script: Uint8Array): ScriptFields | null {
  const height = readHeight(script)
  if (height === null) return null
  const flags = readDirectPush(script, height.next)
  const extranonce = flags && readDirectPush(script, flags.next)
  const nsecs = extranonce && readDirectPush(script, extranonce.next)
  const signature = nsecs && readDirectPush(script, nsecs.next)
  if (!signature || signature.next !== script.length) return null
  if (extranonce.data.length !== EXTRANONCE_BYTES || nsecs.data.length !== NSECS_BYTES) return null
  if (flags.data.length === 0) return null
  const hasNoFlags = flags.data.length === 1 && flags.data[0] === 0
  return {
    bitcoinHeight: height.bitcoinHeight,
    auxFlags: hasNoFlags ? new Uint8Array(0) : flags.data,
    extranonce: extranonce.data,
    nsecs: u64FromLittleEndian(nsecs.data),
    poolSignature: signature.data
  }
}

/** Pushes here have a plain length byte, which takes up to 75 bytes (protocol §5.2); there is no other cap. */
function readDirectPush(script: Uint8Array, offset: number): ReturnType<typeof readPush> {
  const opcode = script[offset]
  return opcode !== undefined && opcode <= MAX_DIRECT_PUSH_BYTES ? readPush(script, offset) : null
}

/** The height push in its only legal form, for heights from 1. */
function readHeight(script: Uint8Array): { bitcoinHeight: BitcoinHeight; next: number } | null {
  const opcode = script[0]
  if (opcode === undefined) return null
  let bitcoinHeight = opcode - 0x50
  let next = 1
  if (bitcoinHeight <= 0) {
    // Four bytes hold every height up to the limit, and a JavaScript integer.
    const push = opcode <= 4 ? readPush(script, 0) : null
    if (push === null) return null
    bitcoinHeight = push.data.reduceRight((value, byte) => value * 256 + byte, 0)
    next = push.next
  }
  if (bitcoinHeight === 0 || bitcoinHeight > BITCOIN_HEIGHT_LIMIT) return null
  return bytesEqual(scriptNumberPush(bitcoinHeight), script.subarray(0, next)) ? { bitcoinHeight, next } : null
}

function u64FromLittleEndian(bytes: Uint8Array): bigint {
  invariant(bytes.length === 8, 'a u64 has 8 bytes')
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
}

type OutputFields = Pick<
  BitcoinCoinbase,
  'outputsBeforeWitness' | 'witnessCommitmentScript' | 'paddingForms' | 'commitment'
>

function parseOutputs(tx: Transaction): OutputFields | null {
  const padding = tx.outputs.at(-2)
  const last = tx.outputs.at(-1)
  if (padding === undefined || last === undefined || !isCommitmentOutput(last)) return null
  // A padding script is shorter than 253 bytes, so its length takes one byte; a longer one is of no form.
  const paddingBytes = 8 + 1 + padding.script.length
  const lengthBeforeBytes = encodeTransactionStripped(tx).length - COINBASE_TAIL_BYTES - paddingBytes
  const paddingForms = paddingFormsOf(padding, lengthBeforeBytes)
  if (paddingForms.length === 0) return null
  const witness = tx.outputs.at(-3)
  const hasWitness = witness !== undefined && witness.valueSats === 0n && isWitnessCommitmentScript(witness.script)
  return {
    outputsBeforeWitness: tx.outputs.slice(0, hasWitness ? -3 : -2),
    witnessCommitmentScript: hasWitness ? witness.script : null,
    paddingForms,
    commitment: last.script.subarray(2)
  }
}

function isCommitmentOutput(output: TxOutput): boolean {
  const { script, valueSats } = output
  return valueSats === 0n && script.length === 34 && script[0] === 0x6a && script[1] === 0x20
}
