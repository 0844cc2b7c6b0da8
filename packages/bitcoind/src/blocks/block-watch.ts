import type { BlockHash } from '@p2poolv2/primitives'
import type { BitcoindConfig } from '../config.ts'
import { badAnswer } from '../rpc/node-answers.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { NODE_CODE, RpcError } from '../rpc/rpc-error.ts'
import { STALE_DEPTH_BLOCKS } from './block-submitter.ts'

/** A block on record. */
export interface WatchedBlock {
  readonly blockHash: BlockHash
  readonly bitcoinHeight: number
  /** What the record says: begins with the word of a `BlockResult`. */
  readonly result: string
}

/** Where a block stands in the chain of the first bitcoin node that knows it. */
export interface BlockFate {
  readonly blockHash: BlockHash
  /** Blocks of the best chain from it on, itself counted; -1 when another block has its height, also where no node knows it any more. */
  readonly confirmations: number
}

export interface BlockWatchPorts {
  /** The blocks on record, of which any number may be settled already. */
  readonly blocks: () => readonly WatchedBlock[]
  /** The newest tip known. */
  readonly tip: () => { readonly hash: BlockHash; readonly bitcoinHeight: number } | null
  /** Told for each block whenever it has changed. */
  readonly onFate: (fate: BlockFate) => void
  /**
   * Told once of a block that a node had taken and that all of them know nothing of, while it could still win: bitcoind writes its chain down
   * now and then only, and one that ends with a full disk or in a power cut is back where it was before the block.
   */
  readonly onForgotten: (block: WatchedBlock) => void
}

/** What a record begins with whose block a bitcoin node has taken. */
const TAKEN = /^(accepted|duplicate)/
/** The same, or no node has answered as far as is known. */
const MAY_BE_THERE = /^(accepted|duplicate|submitted)/

/** With so many confirmations a coinbase may be spent, and a block this deep below the tip is settled, in the chain or beside it. */
export const SETTLED_DEPTH_BLOCKS = 100

/**
 * Asks the bitcoin nodes on every new tip what became of each block on record, until it is a hundred deep. A block that was accepted may
 * be orphaned later, and one that came second may still win.
 */
export class BlockWatch {
  readonly #clients: readonly RpcClient[]
  readonly #ports: BlockWatchPorts
  readonly #stop = new AbortController()
  /** What was said last of each, of those on record. */
  #told = new Map<BlockHash, number>()
  /** Of those on record, what is not asked for any more. */
  #settled = new Set<BlockHash>()
  /** Of those on record, told of and not known by any node since. */
  #forgotten = new Set<BlockHash>()
  /** The tip at which all nodes have answered. */
  #askedAt: BlockHash | null = null
  #looking: Promise<void> | null = null

  constructor(nodes: readonly BitcoindConfig[], ports: BlockWatchPorts) {
    this.#clients = nodes.map(node => new RpcClient(node))
    this.#ports = ports
  }

  /** To be called on every template at least: where a node did not answer it is asked again then. Returns at once. */
  look(): void {
    if (this.#looking !== null || this.#stop.signal.aborted) return
    this.#looking = this.#lookUntilCurrent().finally(() => {
      this.#looking = null
    })
  }

  /** Resolves when what is known now has been asked. */
  async idle(): Promise<void> {
    await this.#looking
  }

  /** Resolves when nothing is asked any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#looking
    for (const client of this.#clients) client.close()
  }

  async #lookUntilCurrent(): Promise<void> {
    for (;;) {
      const tip = this.#ports.tip()
      if (tip === null || tip.hash === this.#askedAt || this.#stop.signal.aborted) return
      const told = new Map<BlockHash, number>()
      let isComplete = true
      // A block cannot go before its parent.
      const blocks = [...this.#ports.blocks()].sort((a, b) => a.bitcoinHeight - b.bitcoinHeight)
      const hashes = new Set(blocks.map(({ blockHash }) => blockHash))
      this.#settled = onRecord(this.#settled, hashes)
      this.#forgotten = onRecord(this.#forgotten, hashes)
      for (const block of blocks) {
        if (this.#settled.has(block.blockHash)) continue
        const said = await this.#confirmationsOf(block)
        if (this.#stop.signal.aborted) return
        const before = this.#told.get(block.blockHash)
        const isLost = said === 'unknown' && isStale(block, tip) && MAY_BE_THERE.test(block.result)
        const confirmations = typeof said === 'number' ? said : isLost ? -1 : before
        if (confirmations !== undefined) told.set(block.blockHash, confirmations)
        if (confirmations !== undefined && confirmations !== before) {
          this.#ports.onFate({ blockHash: block.blockHash, confirmations })
        }
        if (said === 'unknown' && !isStale(block, tip)) this.#forget(block)
        else if (typeof said === 'number') this.#forgotten.delete(block.blockHash)
        const isDeep = tip.bitcoinHeight - block.bitcoinHeight >= SETTLED_DEPTH_BLOCKS
        if (said === 'no-answer') isComplete = false
        else if (isDeep || (typeof said === 'number' && said >= SETTLED_DEPTH_BLOCKS))
          this.#settled.add(block.blockHash)
      }
      this.#told = told
      if (!isComplete) return
      this.#askedAt = tip.hash
    }
  }

  /** Of the first node that knows the block. */
  async #confirmationsOf({ blockHash }: WatchedBlock): Promise<number | 'unknown' | 'no-answer'> {
    let none: 'unknown' | 'no-answer' = 'unknown'
    for (const client of this.#clients) {
      try {
        const answer = await client.call('getblockheader', [blockHash, true], { signal: this.#stop.signal })
        return confirmationsIn(answer, client)
      } catch (error) {
        if (!(error instanceof RpcError)) throw error
        if (error.nodeCode !== NODE_CODE.notFound) none = 'no-answer'
      }
    }
    return none
  }

  #forget(block: WatchedBlock): void {
    const { blockHash, result } = block
    if (!TAKEN.test(result) || this.#forgotten.has(blockHash)) return
    this.#forgotten.add(blockHash)
    this.#ports.onForgotten(block)
  }
}

function isStale({ bitcoinHeight }: WatchedBlock, tip: { readonly bitcoinHeight: number }): boolean {
  return tip.bitcoinHeight >= bitcoinHeight + STALE_DEPTH_BLOCKS
}

function onRecord(some: ReadonlySet<BlockHash>, hashes: ReadonlySet<BlockHash>): Set<BlockHash> {
  return new Set([...some].filter(hash => hashes.has(hash)))
}

function confirmationsIn(answer: unknown, client: RpcClient): number {
  const fields: Readonly<Record<string, unknown>> = typeof answer === 'object' && answer !== null ? { ...answer } : {}
  const { confirmations } = fields
  if (typeof confirmations !== 'number' || !Number.isSafeInteger(confirmations)) {
    throw badAnswer(client, 'getblockheader')
  }
  return confirmations
}
