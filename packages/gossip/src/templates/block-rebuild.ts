import {
  assembleBlock,
  type BlockTemplate,
  bitcoinHeaderHashWire,
  encodeBitcoinHeader,
  encodeTransactionStripped,
  foldBranch,
  isWitnessCommitmentScript,
  type TemplateTransaction,
  type Transaction,
  txidWire,
  witnessCommitmentScriptOf
} from '@p2poolv2/bitcoin'
import type { ChainParams, Share } from '@p2poolv2/consensus'
import {
  type BlockHash,
  BoundedMap,
  BoundedSet,
  blockHashFromWire,
  bytesEqual,
  bytesToHex,
  hashMeetsTarget,
  type SteadyMs,
  type Target,
  targetFromBits
} from '@p2poolv2/primitives'
import type { ChainPort } from '../chain-port.ts'
import type { PeerId } from '../network-port.ts'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import { branchKeyOf, type TemplateBook } from './book.ts'
import type { Arrival, TemplateExchange } from './exchange.ts'

/** Blocks remembered as dealt with; at the cap the oldest could be submitted again, which bitcoin answers with `duplicate`. */
export const MAX_DONE_BLOCKS = 1_024
/** Blocks that wait for their transactions; at the cap the oldest is given up. */
export const MAX_PENDING_BLOCKS = 8
/** Without a template of our own to tell the bitcoin height, shares older than this are history. */
const HISTORY_SEC = 3_600

interface Pending {
  readonly share: Share
  readonly key: string
}

interface Parts {
  readonly chain: Pick<ChainPort, 'submitBlock' | 'wallSec'>
  readonly book: TemplateBook
  readonly exchange: TemplateExchange
  readonly out: GossipEffects
}

/**
 * Notices shares that are bitcoin blocks and hands the block to bitcoin, whoever found it and whatever the share chain says
 * of the share: the coinbase pays the same people. The transactions come from our own template, a neighbour's, or peers;
 * that they are the right ones follows from the merkle branch and the witness commitment.
 */
export class BlockRebuild {
  readonly #parts: Parts
  readonly #easiestTarget: Target
  #own: Pick<BlockTemplate, 'bitcoinHeight' | 'bitcoinTarget'> | null = null
  readonly #done = new BoundedSet<BlockHash>(MAX_DONE_BLOCKS)
  readonly #pending = new BoundedMap<BlockHash, Pending>(MAX_PENDING_BLOCKS)

  constructor(params: ChainParams, parts: Parts) {
    this.#parts = parts
    this.#easiestTarget = targetFromBits(params.maxTargetBits)
  }

  /** The block our template builds on is everywhere by now. */
  ownTemplate(template: BlockTemplate): void {
    this.#own = template
    this.settle(template.prevHash)
  }

  /** Nothing is left to do for this block. */
  settle(blockHash: BlockHash): void {
    this.#done.add(blockHash)
    this.#pending.delete(blockHash)
  }

  /**
   * Whether a header may be a block. Its bits are its maker's to choose, so it must also carry as much work as a block of our own
   * template, or, where there is none, as a share: making us work, and what waits for transactions give way, has its price.
   */
  couldBeBlock(blockHashWire: Uint8Array, bitcoinBits: number): boolean {
    if (!hashMeetsTarget(blockHashWire, targetFromBits(bitcoinBits))) return false
    return hashMeetsTarget(blockHashWire, this.#own?.bitcoinTarget ?? this.#easiestTarget)
  }

  /** Looks at a share of a peer, before the chain does. */
  consider(share: Share, from: PeerId, nowMs: SteadyMs): void {
    const { bitcoinHeader } = share.header
    const hashWire = bitcoinHeaderHashWire(bitcoinHeader)
    if (!this.couldBeBlock(hashWire, bitcoinHeader.bits)) return
    const blockHash = blockHashFromWire(hashWire)
    if (this.#done.has(blockHash) || this.#pending.has(blockHash) || this.#isHistory(share)) return
    const root = foldBranch(txidWire(share.bitcoinCoinbase), share.merkleBranch)
    if (!bytesEqual(root, bitcoinHeader.merkleRootWire)) return
    this.#parts.out.report({ type: 'blockSeen', blockHash, shareHash: share.hash })
    this.#rebuild(blockHash, { share, from }, nowMs)
  }

  /** Templates have come or were given up. */
  takeArrivals(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) {
      for (const [blockHash, { share, key }] of [...this.#pending.entries()]) {
        if (key !== arrival.key) continue
        if (arrival.type === 'givenUp') this.#fail(blockHash, 'no peer had its transactions')
        else if (fits(share.bitcoinCoinbase, arrival.transactions)) {
          this.#submit(blockHash, share, { transactions: arrival.transactions, source: 'peers' })
        }
      }
    }
  }

  checkInvariants(): void {
    this.#done.checkInvariants()
    this.#pending.checkInvariants()
  }

  #rebuild(blockHash: BlockHash, found: { readonly share: Share; readonly from: PeerId }, nowMs: SteadyMs): void {
    const { share, from } = found
    const { book, exchange } = this.#parts
    const branchKey = branchKeyOf(share.merkleBranch)
    const key = bytesToHex(branchKey)
    const commitment = commitmentOf(share.bitcoinCoinbase)
    if (share.merkleBranch.length === 0) {
      this.#submit(blockHash, share, { transactions: [], source: 'own-template' })
      return
    }
    const known = book.find(key)
    if (known !== undefined && fits(share.bitcoinCoinbase, known.transactions)) {
      const source = known.owner === 'own' ? 'own-template' : 'book'
      this.#submit(blockHash, share, { transactions: known.transactions, source })
      return
    }
    const dropped = this.#pending.set(blockHash, { share, key })
    if (dropped !== null) this.#report(dropped.key, 'too many blocks wait')
    const bitcoinHeight = Number(share.header.bitcoinHeight)
    exchange.need({ branchKey, commitment, bitcoinHeight, first: from }, nowMs)
  }

  #submit(
    blockHash: BlockHash,
    share: Share,
    found: {
      readonly transactions: readonly TemplateTransaction[]
      readonly source: 'own-template' | 'book' | 'peers'
    }
  ): void {
    const { header, bitcoinCoinbase } = share
    const witness = commitmentOf(bitcoinCoinbase) === null ? 'without' : 'with-witness'
    const stripped = encodeTransactionStripped(bitcoinCoinbase)
    const blockHex = assembleBlock(encodeBitcoinHeader(header.bitcoinHeader), stripped, found.transactions, witness)
    const bitcoinHeight = Number(header.bitcoinHeight)
    this.#parts.chain.submitBlock({ blockHash, bitcoinHeight, blockHex, share })
    this.#parts.out.report({ type: 'blockRebuilt', blockHash, source: found.source })
    this.settle(blockHash)
  }

  #fail(blockHash: BlockHash, reason: string): void {
    this.#pending.delete(blockHash)
    this.#report(blockHash, reason)
  }

  #report(blockHash: BlockHash, reason: string): void {
    this.#parts.out.report({ type: 'blockNotRebuilt', blockHash, reason })
  }

  /** Bitcoin has gone on from where this block could have been of use. */
  #isHistory(share: Share): boolean {
    if (this.#own !== null) return share.header.bitcoinHeight < BigInt(this.#own.bitcoinHeight - 1)
    return this.#parts.chain.wallSec() - share.header.bitcoinHeader.timeSec > HISTORY_SEC
  }
}

/** The witness commitment of a coinbase: the last output that has the form of one (BIP141). */
function commitmentOf(coinbase: Transaction): Uint8Array | null {
  const scripts = coinbase.outputs.map(output => output.script).filter(isWitnessCommitmentScript)
  return scripts.at(-1) ?? null
}

/** Whether the coinbase commits to the witnesses of these transactions. */
function fits(coinbase: Transaction, transactions: readonly TemplateTransaction[]): boolean {
  const commitment = commitmentOf(coinbase)
  return commitment === null || bytesEqual(commitment, witnessCommitmentScriptOf(transactions))
}
