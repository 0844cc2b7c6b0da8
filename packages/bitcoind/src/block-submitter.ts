import type { BlockHash } from '@p2poolv2/primitives'
import type { Log } from '@p2poolv2/runtime'
import type { BitcoindConfig } from './config.ts'
import { RpcClient } from './rpc-client.ts'
import { printable, RpcError } from './rpc-error.ts'
import { backOffMs, pause } from './waiting.ts'

export interface FoundBlock {
  readonly blockHash: BlockHash
  readonly bitcoinHeight: number
  /** The whole block with witness. */
  readonly blockHex: string
}

/** What one node made of a block. */
export interface BlockResult {
  readonly blockHash: BlockHash
  /** The node, without credentials. */
  readonly url: string
  /** `failed`: no answer could be had before the block was stale. */
  readonly result: 'accepted' | 'duplicate' | 'rejected' | 'failed'
  /** bitcoind's word (`high-hash`), `inconclusive` beside `accepted` when another block came first, or why it failed. */
  readonly reason: string | null
}

export interface BlockSubmitterOptions {
  readonly nodes: readonly BitcoindConfig[]
  /** Waiting times between attempts at one node, by default 0.1 s to 5 s. */
  readonly retryMinMs?: number
  readonly retryMaxMs?: number
  /** The last attempt begins within this, by default GIVE_UP_AFTER_MS. */
  readonly giveUpAfterMs?: number
}

export interface BlockSubmitterPorts {
  /** Keeps the block where a person can find it. Begun before anything else; see PERSIST_HEAD_START_MS. */
  readonly persist: (block: FoundBlock) => Promise<void>
  /** Told for each node as soon as it is known. */
  readonly onResult: (result: BlockResult) => void
  /** The highest tip known; a block is stale two blocks later. */
  readonly bitcoinHeight: () => number | null
  readonly log: Log
}

/** A block nobody could be told of for so long is worthless. */
export const GIVE_UP_AFTER_MS = 3_600_000

/** A disk that is slow or stuck does not hold up a block for longer. */
export const PERSIST_HEAD_START_MS = 200

/** A tip so far above our block's height means that the network went on without it. */
export const STALE_DEPTH_BLOCKS = 2

/** Hands found blocks to all nodes at once, and again to those that could not be reached. */
export class BlockSubmitter {
  readonly #options: BlockSubmitterOptions
  readonly #ports: BlockSubmitterPorts
  readonly #clients: readonly RpcClient[]
  /** As many as blocks are found within the time that a node may be away. */
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(options: BlockSubmitterOptions, ports: BlockSubmitterPorts) {
    this.#options = options
    this.#ports = ports
    this.#clients = options.nodes.map(node => new RpcClient(node))
  }

  /**
   * Submits a block. Results are values, one for each node in the configured order; it does not reject.
   * After `signal`, what has no answer yet counts as `failed`.
   */
  submit(block: FoundBlock, { signal }: { signal: AbortSignal }): Promise<readonly BlockResult[]> {
    const submission = this.#submit(block, signal).finally(() => this.#underWay.delete(submission))
    this.#underWay.add(submission)
    return submission
  }

  /** Resolves when every submission under way has its answers, which with a node that is away may take an hour. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  /** Lets go of the connections. */
  close(): void {
    for (const client of this.#clients) client.close()
  }

  async #submit(block: FoundBlock, signal: AbortSignal): Promise<readonly BlockResult[]> {
    const persisted = this.#persist(block)
    const headStart = new AbortController()
    await Promise.race([persisted, pause(PERSIST_HEAD_START_MS, headStart.signal)])
    headStart.abort()
    const results = await Promise.all(this.#clients.map(client => this.#submitTo(client, block, signal)))
    await persisted
    return results
  }

  async #persist(block: FoundBlock): Promise<void> {
    try {
      await this.#ports.persist(block)
    } catch (error) {
      // A full disk must not keep the block from the network.
      this.#ports.log.error({ err: error, blockHash: block.blockHash }, 'a found block could not be written to disk')
    }
  }

  async #submitTo(client: RpcClient, block: FoundBlock, signal: AbortSignal): Promise<BlockResult> {
    const result = await this.#answerOf(client, block, signal)
    this.#ports.onResult(result)
    return result
  }

  async #answerOf(client: RpcClient, block: FoundBlock, signal: AbortSignal): Promise<BlockResult> {
    const { blockHash } = block
    const backOff = { minMs: this.#options.retryMinMs ?? 100, maxMs: this.#options.retryMaxMs ?? 5_000 }
    const endsAtMs = performance.now() + (this.#options.giveUpAfterMs ?? GIVE_UP_AFTER_MS)
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await client.call('submitblock', [block.blockHex], { signal })
        return { blockHash, url: client.url, ...resultOfAnswer(answer) }
      } catch (error) {
        if (!(error instanceof RpcError)) throw error
        if (error.code === 'refused') {
          return { blockHash, url: client.url, result: 'rejected', reason: error.nodeMessage }
        }
        const stale = (this.#ports.bitcoinHeight() ?? 0) >= block.bitcoinHeight + STALE_DEPTH_BLOCKS
        if (signal.aborted || stale || performance.now() >= endsAtMs) {
          return { blockHash, url: client.url, result: 'failed', reason: error.message }
        }
        const facts = { url: client.url, blockHash, attempt, reason: error.message }
        // The first failure is news; what follows every few seconds is not.
        if (attempt === 0) this.#ports.log.warn(facts, 'a found block could not be handed over yet')
        else this.#ports.log.debug(facts, 'a found block could not be handed over yet')
        await pause(backOffMs(attempt, backOff), signal)
      }
    }
  }
}

/** bitcoind's answer to submitblock (BIP22): null is good, text is a reason. */
function resultOfAnswer(answer: unknown): Pick<BlockResult, 'result' | 'reason'> {
  if (answer === null) return { result: 'accepted', reason: null }
  const reason = typeof answer === 'string' ? printable(answer) : 'an answer in a shape we do not know'
  if (reason === 'duplicate') return { result: 'duplicate', reason: null }
  // Valid as far as the node looked, beside a block it had already: the node kept it.
  if (reason === 'inconclusive' || reason === 'duplicate-inconclusive') return { result: 'accepted', reason }
  return { result: 'rejected', reason }
}
