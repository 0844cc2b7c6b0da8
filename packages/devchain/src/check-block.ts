import {
  isWitnessCommitmentScript,
  legacySigopsCost,
  MAX_BLOCK_SIGOPS_COST,
  MAX_BLOCK_WEIGHT,
  MAX_MONEY_SATS,
  merkleRoot,
  scriptNumberPush,
  type Transaction,
  txidWire,
  WITNESS_COMMITMENT_PREFIX,
  wtxidWire
} from '@p2poolv2/bitcoin'
import {
  bigIntFromBits,
  bigIntFromTarget,
  bytesEqual,
  type CompactBits,
  concatBytes,
  sha256d
} from '@p2poolv2/primitives'
import { type DecodedBlock, encodeBlock, strippedBlockBytes } from './block.ts'

/** What a block's parent says about it. */
export interface BlockContext {
  readonly bitcoinHeight: number
  /** Each of them is right. */
  readonly allowedBits: readonly CompactBits[]
  /** The header's time must be later. */
  readonly medianTimePastSec: number
  readonly nowSec: number
}

/** Blocks may be this far ahead of a node's clock. */
export const MAX_FUTURE_SEC = 7_200

/** Blocks between two halvings: main's number, for with regtest's 150 a block every 30 s would soon be worth nothing. */
export const HALVING_BLOCKS = 210_000

/**
 * Reasons that condemn a header together with its block, so that the same block is `duplicate-invalid` and one on top of it
 * `bad-prevblk`. All others are about the header alone, or about a body that may be another one's work.
 */
export const CONDEMNING: ReadonlySet<string> = new Set([
  'bad-txns-nonfinal',
  'bad-cb-height',
  'bad-blk-weight',
  'bad-txns-inputs-missingorspent',
  'bad-cb-amount'
])

const WITNESS_COMMITMENT_BYTES = WITNESS_COMMITMENT_PREFIX.length + 32
const NULL_PREVOUT_INDEX = 0xffff_ffff
const FIRST_SUBSIDY_SATS = 5_000_000_000n
/** Lock times from here on are times and not heights, so that no block is so high. */
export const LOCK_TIME_IS_TIME = 500_000_000
const FINAL_SEQUENCE = 0xffff_ffff
const MIN_SCRIPT_SIG_BYTES = 2
/** A longer coinbase script is `bad-cb-length`. */
const MAX_SCRIPT_SIG_BYTES = 100
/** Below it a block breaks BIP34, BIP65 or BIP66, which regtest has from block 1 on. */
const MIN_VERSION = 4

/** What a block at this height may create. */
export function subsidySats(bitcoinHeight: number): bigint {
  const halvings = Math.floor(bitcoinHeight / HALVING_BLOCKS)
  return halvings >= 64 ? 0n : FIRST_SUBSIDY_SATS >> BigInt(halvings)
}

/**
 * The rules that need nothing but the block, in bitcoind's order.
 * @returns bitcoind's word for the first broken one, or null
 */
export function checkBlockAlone(block: DecodedBlock, easiestBits: CompactBits): string | null {
  const target = bigIntFromBits(block.header.bits)
  const tooEasy = target > bigIntFromBits(easiestBits)
  if (target === 0n || tooEasy || bigIntFromTarget(block.hashWire) > target) return 'high-hash'
  if (!bytesEqual(merkleRoot(block.transactions.map(txidWire)), block.header.merkleRootWire)) return 'bad-txnmrklroot'
  const [coinbase, ...others] = block.transactions
  if (coinbase === undefined || strippedBlockBytes(block) * 4 > MAX_BLOCK_WEIGHT) return 'bad-blk-length'
  if (!isCoinbase(coinbase)) return 'bad-cb-missing'
  if (others.some(isCoinbase)) return 'bad-cb-multiple'
  for (const transaction of block.transactions) {
    const reason = checkOutputs(transaction)
    if (reason !== null) return reason
  }
  const scriptSigBytes = coinbase.inputs[0]?.scriptSig.length ?? 0
  if (scriptSigBytes < MIN_SCRIPT_SIG_BYTES || scriptSigBytes > MAX_SCRIPT_SIG_BYTES) return 'bad-cb-length'
  // What P2SH and witnesses add is known only to who keeps coins; a block of this chain spends none.
  const sigopsCost = block.transactions.reduce((sum, transaction) => sum + legacySigopsCost(transaction), 0)
  return sigopsCost > MAX_BLOCK_SIGOPS_COST ? 'bad-blk-sigops' : null
}

/**
 * The rules about a block's place in the chain, in bitcoind's order; for a block that passed `checkBlockAlone`.
 * @returns bitcoind's word for the first broken one, or null
 */
export function checkBlockInContext(block: DecodedBlock, context: BlockContext): string | null {
  const { bits, timeSec, version } = block.header
  if (!context.allowedBits.includes(bits)) return 'bad-diffbits'
  if (timeSec <= context.medianTimePastSec) return 'time-too-old'
  if (timeSec > context.nowSec + MAX_FUTURE_SEC) return 'time-too-new'
  if (version < MIN_VERSION) return `bad-version(0x${(version >>> 0).toString(16).padStart(8, '0')})`
  if (block.transactions.some(transaction => !isFinal(transaction, context))) return 'bad-txns-nonfinal'
  const heightPush = scriptNumberPush(context.bitcoinHeight)
  const scriptSig = block.transactions[0]?.inputs[0]?.scriptSig ?? new Uint8Array(0)
  if (!bytesEqual(scriptSig.subarray(0, heightPush.length), heightPush)) return 'bad-cb-height'
  const witness = checkWitness(block)
  if (witness !== null) return witness
  return strippedBlockBytes(block) * 3 + encodeBlock(block).length > MAX_BLOCK_WEIGHT ? 'bad-blk-weight' : null
}

/**
 * The rules about what a block spends and creates. This chain keeps no coins, and its
 * templates list no transactions, so a block spends nothing.
 * @returns bitcoind's word for the first broken one, or null
 */
export function checkBlockSpends(block: DecodedBlock, context: BlockContext): string | null {
  if (block.transactions.length > 1) return 'bad-txns-inputs-missingorspent'
  const createdSats = block.transactions[0]?.outputs.reduce((sum, { valueSats }) => sum + valueSats, 0n) ?? 0n
  return createdSats > subsidySats(context.bitcoinHeight) ? 'bad-cb-amount' : null
}

/** The position of the output that commits to the witnesses: the last of its form (BIP141); -1 if there is none. */
export function commitmentPosition(coinbase: Transaction): number {
  const scripts = coinbase.outputs.map(({ script }) => script.subarray(0, WITNESS_COMMITMENT_BYTES))
  return scripts.map(isWitnessCommitmentScript).lastIndexOf(true)
}

/** Gives a coinbase that commits but has no witness the usual 32 zero bytes, as bitcoind's submitblock does. */
export function withReservedValue(block: DecodedBlock): DecodedBlock {
  const [coinbase, ...others] = block.transactions
  const input = coinbase?.inputs[0]
  if (coinbase === undefined || input === undefined) return block
  if (input.witness.length > 0 || commitmentPosition(coinbase) < 0) return block
  const completed = { ...coinbase, inputs: [{ ...input, witness: [new Uint8Array(32)] }, ...coinbase.inputs.slice(1)] }
  return { ...block, transactions: [completed, ...others] }
}

function checkOutputs({ outputs }: Transaction): string | null {
  if (outputs.length === 0) return 'bad-txns-vout-empty'
  let totalSats = 0n
  for (const { valueSats } of outputs) {
    // The field is signed: the upper half of what we read as unsigned is negative.
    if (valueSats >= 2n ** 63n) return 'bad-txns-vout-negative'
    if (valueSats > MAX_MONEY_SATS) return 'bad-txns-vout-toolarge'
    totalSats += valueSats
    if (totalSats > MAX_MONEY_SATS) return 'bad-txns-txouttotal-toolarge'
  }
  return null
}

function checkWitness(block: DecodedBlock): string | null {
  const coinbase = block.transactions[0]
  const position = coinbase === undefined ? -1 : commitmentPosition(coinbase)
  if (coinbase === undefined || position < 0) {
    const hasWitness = block.transactions.some(({ inputs }) => inputs.some(({ witness }) => witness.length > 0))
    return hasWitness ? 'unexpected-witness' : null
  }
  const [reserved, ...more] = coinbase.inputs[0]?.witness ?? []
  if (reserved?.length !== 32 || more.length > 0) return 'bad-witness-nonce-size'
  const wtxids = block.transactions.map((transaction, index) =>
    index === 0 ? new Uint8Array(32) : wtxidWire(transaction)
  )
  const expected = sha256d(concatBytes(merkleRoot(wtxids), reserved))
  const commitment = coinbase.outputs[position]?.script ?? new Uint8Array(0)
  const found = commitment.subarray(WITNESS_COMMITMENT_PREFIX.length, WITNESS_COMMITMENT_BYTES)
  return bytesEqual(found, expected) ? null : 'bad-witness-merkle-match'
}

function isCoinbase({ inputs }: Transaction): boolean {
  const input = inputs[0]
  if (input === undefined || inputs.length !== 1 || input.prevIndex !== NULL_PREVOUT_INDEX) return false
  return input.prevTxidWire.every(byte => byte === 0)
}

/** BIP113: a lock by time is measured against the median time past. */
function isFinal({ lockTime, inputs }: Transaction, context: BlockContext): boolean {
  const limit = lockTime < LOCK_TIME_IS_TIME ? context.bitcoinHeight : context.medianTimePastSec
  return lockTime === 0 || lockTime < limit || inputs.every(({ sequence }) => sequence === FINAL_SEQUENCE)
}
