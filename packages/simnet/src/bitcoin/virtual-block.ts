import {
  isWitnessCommitmentScript,
  legacySigopsCost,
  MAX_BLOCK_SIGOPS_COST,
  MAX_BLOCK_WEIGHT,
  merkleRoot,
  scriptNumberPush,
  txidWire,
  WITNESS_COMMITMENT_PREFIX,
  wtxidWire
} from '@p2poolv2/bitcoin'
import { type DecodedBlock, encodeBlock, strippedBlockBytes, subsidySats } from '@p2poolv2/devchain'
import {
  type BlockHash,
  bytesEqual,
  bytesToHexReversed,
  type CompactBits,
  concatBytes,
  hashMeetsTarget,
  sha256d,
  targetFromBits
} from '@p2poolv2/primitives'
import { type Mempool, SIGOPS_COST } from './mempool.ts'

/** A block of the virtual bitcoin chain. */
export interface VirtualBlock {
  readonly hash: BlockHash
  readonly prevHash: BlockHash
  readonly bitcoinHeight: number
  /** Times of this block and up to ten before it, newest first. */
  readonly timesSec: readonly number[]
  /** The first transaction of the mempool that this block and its ancestors leave open. */
  readonly firstOpen: number
  /** Which node's bitcoind it was submitted to, or who else made it. */
  readonly origin: number | 'world'
}

const MEDIAN_SPAN = 11

export function medianTimeSec(block: VirtualBlock): number {
  const sorted = [...block.timesSec].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** The times a child of `parent` carries. */
export function timesAfter(parent: VirtualBlock, timeSec: number): readonly number[] {
  return [timeSec, ...parent.timesSec].slice(0, MEDIAN_SPAN)
}

/** What a block is judged against. */
export interface BlockPlace {
  readonly parent: VirtualBlock
  readonly bits: CompactBits
  readonly mempool: Mempool
  /** The clock of the bitcoind that judges. */
  readonly nowSec: number
}

/** A block further ahead of the clock is `time-too-new`, as in bitcoind. */
const MAX_FUTURE_SEC = 7_200

/**
 * Judges a block as `submitblock` does, as far as a share pool can get it wrong: work, bits, time, merkle root, height,
 * witness commitment, spent transactions, value, weight and signature checks.
 * @returns bitcoind's word for the first broken rule, or null
 */
export function refusalOf(block: DecodedBlock, place: BlockPlace): string | null {
  const { header, hashWire, transactions } = block
  if (!hashMeetsTarget(hashWire, targetFromBits(header.bits))) return 'high-hash'
  if (!bytesEqual(merkleRoot(transactions.map(txidWire)), header.merkleRootWire)) return 'bad-txnmrklroot'
  if (header.bits !== place.bits) return 'bad-diffbits'
  if (header.timeSec <= medianTimeSec(place.parent)) return 'time-too-old'
  if (header.timeSec > place.nowSec + MAX_FUTURE_SEC) return 'time-too-new'
  const [coinbase, ...others] = transactions
  const scriptSig = coinbase?.inputs[0]?.scriptSig
  if (coinbase === undefined || scriptSig === undefined) return 'bad-cb-missing'
  const heightPush = scriptNumberPush(place.parent.bitcoinHeight + 1)
  if (!bytesEqual(scriptSig.subarray(0, heightPush.length), heightPush)) return 'bad-cb-height'
  if (!commitsToWitnesses(block)) return 'bad-witness-merkle-match'
  let feesSats = 0n
  for (const transaction of others) {
    const known = place.mempool.byTxid(bytesToHexReversed(txidWire(transaction)))
    if (known === undefined || known.index < place.parent.firstOpen) return 'bad-txns-inputs-missingorspent'
    feesSats += BigInt(known.feeSats)
  }
  const paidSats = coinbase.outputs.reduce((sum, { valueSats }) => sum + valueSats, 0n)
  if (paidSats > subsidySats(place.parent.bitcoinHeight + 1) + feesSats) return 'bad-cb-amount'
  if (strippedBlockBytes(block) * 3 + encodeBlock(block).length > MAX_BLOCK_WEIGHT) return 'bad-blk-weight'
  const sigopsCost = transactions.reduce((sum, transaction) => sum + legacySigopsCost(transaction), 0)
  return sigopsCost + others.length * SIGOPS_COST > MAX_BLOCK_SIGOPS_COST ? 'bad-blk-sigops' : null
}

function commitsToWitnesses({ transactions }: DecodedBlock): boolean {
  const [coinbase, ...others] = transactions
  const commitment = coinbase?.outputs.filter(({ script }) => isWitnessCommitmentScript(script)).at(-1)?.script
  const hasWitness = others.some(({ inputs }) => inputs.some(({ witness }) => witness.length > 0))
  if (commitment === undefined) return !hasWitness
  const reserved = coinbase?.inputs[0]?.witness[0]
  if (reserved?.length !== 32) return false
  const root = merkleRoot([new Uint8Array(32), ...others.map(wtxidWire)])
  return bytesEqual(commitment.subarray(WITNESS_COMMITMENT_PREFIX.length), sha256d(concatBytes(root, reserved)))
}
