import type { Solution } from '@p2poolv2/bitcoin'
import type { Share } from '@p2poolv2/consensus'
import { decodeShare } from '@p2poolv2/consensus'
import type { ShareHash, UnixMs } from '@p2poolv2/primitives'
import { CodecError, invariant } from '@p2poolv2/primitives'
import type { ChainOutcome, ShareChain } from '@p2poolv2/sharechain'
import type { BlockLog } from './block-log.ts'
import type { NodeEvent } from './contract.ts'
import type { EffectList } from './effect-list.ts'
import type { JobMaker, MinerAddresses } from './job-maker.ts'
import { blockOf, foundBlockOf, shareOf } from './solution.ts'
import type { WorkTemplate } from './work-template.ts'

/** Stored shares asked for at a time. */
export const RESUME_BATCH = 64

/** Stored shares that could not be read back. At the cap no more are asked for until the next start. */
const MAX_UNREADABLE = 1024

/** Who made a solution. */
export interface Finder {
  readonly addresses: MinerAddresses
  readonly worker: string
}

export interface ChainKeeperDeps {
  readonly chain: ShareChain
  readonly jobs: JobMaker
  readonly blocks: BlockLog
  readonly effects: EffectList
}

/** All that changes the share chain: solutions of our miners, shares found unfinished in the store, blocks and their fate. */
export class ChainKeeper {
  readonly #deps: ChainKeeperDeps
  #requestId = 0
  /** The read under way; null when none is. */
  #reading: { readonly requestId: number; readonly hashes: readonly ShareHash[] } | null = null
  /** What was asked for last: if it comes up again unchanged, reading it once more would change nothing. */
  #lastAsked = ''
  readonly #unreadable = new Set<ShareHash>()
  /** Since the last time everything stored had been looked at. */
  #resumed = 0

  constructor(deps: ChainKeeperDeps) {
    this.#deps = deps
  }

  /**
   * A solution of one of our miners. A block goes to bitcoin first and is recorded whatever becomes of the share, even if
   * our own code fails on it.
   */
  solve(solution: Solution<WorkTemplate>, finder: Finder, nowMs: UnixMs): void {
    if (solution.meetsBitcoin) this.#deps.effects.add({ type: 'submitBlock', ...blockOf(solution) })
    let shareHash: ShareHash | null = null
    try {
      if (solution.meetsShare) shareHash = this.#addOwnShare(solution, finder, nowMs)
    } finally {
      if (solution.meetsBitcoin) this.#recordBlock(solution, { finder, shareHash })
    }
  }

  /** A bitcoin node's answer to a block. */
  settleBlock(event: Extract<NodeEvent, { type: 'blockResult' }>): void {
    const { effects, blocks, chain } = this.#deps
    const { blockHash, url, result, reason } = event
    effects.report({ type: 'blockResult', blockHash, url, result, reason })
    const settled = blocks.settle(blockHash, result, reason)
    if (settled !== null) effects.add({ type: 'commit', delta: chain.recordBlock(settled) })
  }

  /** Lets the chain do what it has put off. */
  advance(nowMs: UnixMs): void {
    const { chain } = this.#deps
    if (chain.nextDeadlineMs === null || chain.nextDeadlineMs > nowMs) return
    this.#apply(chain.advance(nowMs))
    this.resume()
  }

  /**
   * Asks for the next shares that are stored but not validated: after a restart, or when more had to wait than memory
   * holds. Parents come before children.
   */
  resume(): void {
    if (this.#reading !== null || this.#unreadable.size >= MAX_UNREADABLE) return
    const { chain, effects } = this.#deps
    const hashes = chain
      .resume(RESUME_BATCH + this.#unreadable.size)
      .filter(hash => !this.#unreadable.has(hash))
      .slice(0, RESUME_BATCH)
    if (hashes.length === 0 && this.#resumed > 0) {
      effects.report({ type: 'resumed', validated: this.#resumed, unreadable: this.#unreadable.size })
      this.#resumed = 0
    }
    const asked = hashes.join()
    if (asked === this.#lastAsked) return
    this.#lastAsked = asked
    if (hashes.length === 0) return
    this.#requestId += 1
    this.#reading = { requestId: this.#requestId, hashes }
    effects.add({ type: 'readShares', requestId: this.#requestId, hashes })
  }

  /** The shares asked for by `resume`. An answer nobody waits for is dropped. */
  takeRead(event: Extract<NodeEvent, { type: 'sharesRead' }>, nowMs: UnixMs): void {
    if (this.#reading === null || event.requestId !== this.#reading.requestId) return
    const { hashes } = this.#reading
    this.#reading = null
    const shares: Share[] = []
    hashes.forEach((hash, index) => {
      const share = decodeStored(event.shares[index] ?? null)
      if (share !== null && share.hash === hash) shares.push(share)
      else this.#unreadable.add(hash)
    })
    const outcome = this.#deps.chain.bodiesRead(shares, nowMs)
    this.#resumed += outcome.validated.length
    this.#apply(outcome)
    this.resume()
  }

  checkInvariants(): void {
    invariant(this.#unreadable.size < MAX_UNREADABLE + RESUME_BATCH, 'unreadable shares are within their cap')
    invariant(this.#reading === null || this.#reading.hashes.length <= RESUME_BATCH, 'shares are read in small batches')
  }

  /** @returns the share's hash if it is on the share chain now */
  #addOwnShare(solution: Solution<WorkTemplate>, finder: Finder, nowMs: UnixMs): ShareHash | null {
    const { chain, effects } = this.#deps
    const built = shareOf(solution, finder.addresses)
    if (built === null) return null
    if (!built.ok) {
      this.#bug('own-share-unproven', `${built.code} ${describe(built.facts)}`)
      return null
    }
    const { share } = built
    const outcome = chain.addShare(share, 'own', nowMs)
    const { verdict } = outcome
    if (verdict.type === 'accepted') {
      effects.add({ type: 'publish', share })
      effects.report({
        type: 'shareFound',
        shareHash: share.hash,
        height: chain.facts(share.hash)?.height ?? 0,
        payoutAddress: finder.addresses.bitcoin.text,
        worker: finder.worker
      })
    }
    this.#apply(outcome)
    if (verdict.type === 'refused') {
      // Too many at one height happens to the honest: hashes come faster than the work is renewed.
      if (verdict.code === 'height-crowded')
        effects.report({ type: 'shareLost', shareHash: share.hash, code: verdict.code })
      else this.#bug('own-share-refused', `${verdict.code} ${describe(verdict.facts)}`)
    }
    if (verdict.type === 'waiting') this.#bug('own-share-waits', `${verdict.code ?? ''} ${verdict.missing.join(', ')}`)
    return verdict.type === 'accepted' || verdict.type === 'known' ? share.hash : null
  }

  #recordBlock(
    solution: Solution<WorkTemplate>,
    found: { readonly finder: Finder; readonly shareHash: ShareHash | null }
  ): void {
    const { blocks, chain, effects } = this.#deps
    const block = foundBlockOf(solution, found.shareHash)
    blocks.record(block)
    effects.add({ type: 'commit', delta: chain.recordBlock(block) })
    effects.report({
      type: 'blockFound',
      blockHash: block.blockHash,
      bitcoinHeight: block.bitcoinHeight,
      timeSec: block.timeSec,
      valueSats: block.outputs.reduce((sum, output) => sum + output.valueSats, 0n),
      payees: block.outputs.length,
      shareHash: block.shareHash,
      payoutAddress: found.finder.addresses.bitcoin.text,
      worker: found.finder.worker
    })
  }

  #apply(outcome: ChainOutcome): void {
    const { chain, effects, jobs } = this.#deps
    if (outcome.newTip) jobs.baseMoved()
    if (outcome.delta !== null) effects.add({ type: 'commit', delta: outcome.delta })
    if (outcome.unconfirmed.length > 0) {
      effects.report({
        type: 'reorg',
        unconfirmed: outcome.unconfirmed.length,
        confirmed: outcome.confirmed.length,
        tip: chain.confirmedTip().hash
      })
    }
    for (const hash of outcome.confirmed) {
      effects.report({ type: 'shareConfirmed', shareHash: hash, height: chain.facts(hash)?.height ?? 0 })
    }
  }

  #bug(code: string, detail: string): void {
    this.#deps.effects.report({ type: 'bug', code, detail })
  }
}

/** Null for what is not there or cannot be read; the chain then asks peers for it like for any other. */
function decodeStored(bytes: Uint8Array | null): Share | null {
  if (bytes === null) return null
  try {
    return decodeShare(bytes)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

function describe(facts: Readonly<Record<string, string | number | bigint>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
