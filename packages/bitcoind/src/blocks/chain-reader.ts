import { type BlockHash, blockHash } from '@p2poolv2/primitives'
import type { Log } from '@p2poolv2/runtime'
import type { BitcoindConfig } from '../config.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'

/** Blocks so deep below the tip stay where they are: their hashes are asked for once. */
const SETTLED_DEPTH = 100
/** Hashes kept; at the cap the one that was asked for first goes. */
const MAX_KNOWN = 4_096
/** Calls at once; bitcoind has four threads for all of them. */
const CALLS_AT_ONCE = 2
/** An answer counts for so long, a refusal as well: this node's pages ask far more often than anything changes. */
const TIP_KEPT_MS = 2_000
const FEE_KEPT_MS = 60_000
const CALL_TIMEOUT_MS = 5_000
/** `estimatesmartfee` for so many blocks: a payout is spent without hurry. */
const FEE_TARGET_BLOCKS = 6

/** A bitcoin node's best chain as far as it was asked for. */
export interface KnownChain {
  readonly tipHeight: number
  /** Null for a height that was not asked for, or of which the node could not say. */
  hashAt(height: number): BlockHash | null
}

export interface ChainReaderDeps {
  /** Milliseconds of a clock that only goes on. */
  readonly nowMs: () => number
  readonly log: Log
}

/**
 * Asks the bitcoin nodes, the preferred one first, which blocks are in the best chain and what transactions pay. For views
 * alone: it is never waited for by what mines, and what cannot be asked is null.
 */
export class ChainReader {
  readonly #clients: readonly RpcClient[]
  readonly #deps: ChainReaderDeps
  /** Of heights deep below the tip, the one that was asked for first at the front. */
  readonly #settled = new Map<number, BlockHash>()
  /** Of heights near the tip, as of one tip. */
  #recent: { readonly tip: string; readonly hashes: Map<number, BlockHash | null> } = { tip: '', hashes: new Map() }
  readonly #tip = this.#keeping(TIP_KEPT_MS, () => this.#readTip())
  readonly #fee = this.#keeping(FEE_KEPT_MS, () => this.#readFee())

  constructor(nodes: readonly BitcoindConfig[], deps: ChainReaderDeps) {
    this.#clients = nodes.map(node => new RpcClient({ ...node, timeoutMs: CALL_TIMEOUT_MS }))
    this.#deps = deps
  }

  /** @returns null while no node answers */
  async bestChain(heights: readonly number[]): Promise<KnownChain | null> {
    const tip = await this.#tip()
    if (tip === null) return null
    if (this.#recent.tip !== tip.hash) this.#recent = { tip: tip.hash, hashes: new Map() }
    const { hashes } = this.#recent
    const isKnown = (height: number): boolean => this.#settled.has(height) || hashes.has(height)
    const wanted = heights.filter(height => height <= tip.height && !isKnown(height)).slice(0, MAX_KNOWN)
    const ask = async (): Promise<void> => {
      for (let height = wanted.pop(); height !== undefined; height = wanted.pop()) {
        const hash = await this.#hashAt(tip.client, height)
        if (hash !== null && tip.height - height >= SETTLED_DEPTH) this.#settle(height, hash)
        else hashes.set(height, hash)
      }
    }
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, ask))
    return { tipHeight: tip.height, hashAt: height => this.#settled.get(height) ?? hashes.get(height) ?? null }
  }

  /** In satoshis a virtual byte; null while no node can estimate it. */
  feeRateSatPerVb(): Promise<number | null> {
    return this.#fee()
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  /** Asks again only when the answer before is older. */
  #keeping<T>(forMs: number, read: () => Promise<T>): () => Promise<T> {
    let kept: { readonly atMs: number; readonly value: Promise<T> } | null = null
    return () => {
      const nowMs = this.#deps.nowMs()
      if (kept === null || nowMs - kept.atMs >= forMs) kept = { atMs: nowMs, value: read() }
      return kept.value
    }
  }

  /** Of the first node that answers. */
  async #readTip(): Promise<Tip | null> {
    for (const client of this.#clients) {
      const height = await this.#call(client, 'getblockcount')
      if (typeof height !== 'number' || !Number.isSafeInteger(height) || height < 0) continue
      const hash = await this.#hashAt(client, height)
      if (hash !== null) return { client, height, hash }
    }
    return null
  }

  async #readFee(): Promise<number | null> {
    for (const client of this.#clients) {
      const answer = await this.#call(client, 'estimatesmartfee', [FEE_TARGET_BLOCKS])
      const { feerate } = typeof answer === 'object' && answer !== null ? (answer as { feerate?: unknown }) : {}
      // BTC for 1,000 virtual bytes.
      if (typeof feerate === 'number' && feerate > 0 && feerate < 21_000) return feerate * 100_000
    }
    return null
  }

  async #hashAt(client: RpcClient, height: number): Promise<BlockHash | null> {
    const answer = await this.#call(client, 'getblockhash', [height])
    return typeof answer === 'string' && /^[0-9a-f]{64}$/.test(answer) ? blockHash(answer) : null
  }

  async #call(client: RpcClient, method: string, params: readonly unknown[] = []): Promise<unknown> {
    try {
      return await client.call(method, params)
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      this.#deps.log.debug({ url: client.url, method, code: error.code }, 'a bitcoin node could not say')
      return null
    }
  }

  #settle(height: number, hash: BlockHash): void {
    this.#settled.set(height, hash)
    if (this.#settled.size > MAX_KNOWN) this.#settled.delete(this.#settled.keys().next().value as number)
  }
}

interface Tip {
  readonly client: RpcClient
  readonly height: number
  readonly hash: BlockHash
}
