import type { Solution } from '@p2poolv2/bitcoin'
import type { BodyWait, ChainVerdict, Share, ShareHeader } from '@p2poolv2/consensus'
import { decodeShare, encodeShare } from '@p2poolv2/consensus'
import type { GossipEvent, PeerHeaders, PeerShare } from '@p2poolv2/gossip'
import type { BlockHash, Moment, ShareHash } from '@p2poolv2/primitives'
import { CodecError, invariant } from '@p2poolv2/primitives'
import type { ChainOutcome, ShareChain } from '@p2poolv2/sharechain'
import { withBlocks } from '@p2poolv2/sharechain'
import type { NodeEvent } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { JobMaker } from '../work/job-maker.ts'
import { blockOf, type SolvedWork, shareOf } from '../work/solution.ts'
import type { MinerAddresses } from '../work/work-template.ts'
import type { BlockKeeper } from './block-keeper.ts'

/** Stored shares asked for at a time. */
export const RESUME_BATCH = 64

/**
 * Solutions whose shares wait for the disk. At the cap the oldest is given up, whose base is the most stale: ten seconds a
 * share, so this is what a whole network finds in forty minutes.
 */
export const MAX_HELD_SHARES = 256

/**
 * Refusals of a share of ours that are nobody's fault: what it builds on turned out bad or is no longer held.
 */
const FAULTLESS: ReadonlySet<string> = new Set(['share-parent-invalid', 'share-ancestors-gone', 'payout-window-gone'])

type SharesRead = Extract<NodeEvent, { readonly type: 'sharesRead' }>

/** What the keeper does to the chain of its own accord, for the gossip machine. */
export type ChainNews = Extract<GossipEvent, { readonly type: 'ownShare' | 'chainChanged' | 'blockSubmitted' }>

/** Who made a solution. */
export interface Finder {
  readonly addresses: MinerAddresses
  readonly worker: string
  /** Its job was one that pays it alone, and is no share. */
  readonly isSolo: boolean
}

interface HeldShare {
  readonly share: Share
  readonly finder: Finder
  /** The bitcoin block it is, on record already without its share. */
  readonly block: BlockHash | null
}

export interface ChainKeeperDeps {
  readonly chain: ShareChain
  readonly jobs: JobMaker
  readonly blocks: BlockKeeper
  readonly effects: EffectList
  readonly tell: (news: ChainNews, now: Moment) => void
}

/**
 * All that changes the share chain: solutions of our miners, shares and headers of peers, shares found unfinished in the
 * store.
 */
export class ChainKeeper {
  readonly #deps: ChainKeeperDeps
  #requestId = 0
  /** The read under way; null when none is. */
  #reading: { readonly requestId: number } | null = null
  #isStoreBehind = false
  /** Solutions that came while the disk was behind. */
  #held: HeldShare[] = []
  /** Since the last time everything stored had been looked at. */
  #resumed = 0

  constructor(deps: ChainKeeperDeps) {
    this.#deps = deps
  }

  /**
   * A solution of one of our miners. A block goes to bitcoin first and is recorded whatever becomes of the share, even if
   * our own code fails on it. While the disk is behind only the share waits.
   */
  solve(solution: Solution, finder: Finder, now: Moment): void {
    const work = this.#deps.jobs.workOf(solution, finder.isSolo ? finder.addresses : null)
    if (work === null) {
      this.#bug('solution-without-work', `work ${solution.workId} block=${solution.meetsBitcoin}`)
      return
    }
    const solved = { solution, work, addresses: finder.addresses }
    const block = solution.meetsBitcoin ? blockOf(solved) : null
    if (block !== null) this.#deps.effects.add({ type: 'submitBlock', ...block })
    let shareHash: ShareHash | null = null
    try {
      if (block !== null) this.#deps.tell({ type: 'blockSubmitted', blockHash: block.blockHash }, now)
      if (solution.meetsShare) {
        const share = this.#shareOf(solved)
        if (share !== null && this.#isStoreBehind) this.#hold({ share, finder, block: block?.blockHash ?? null })
        else if (share !== null) shareHash = this.#addOwnShare(share, finder, now)
      }
    } finally {
      if (block !== null) {
        const { addresses, worker } = finder
        this.#deps.blocks.found(solved, shareHash, { payoutAddress: addresses.bitcoin.text, worker })
      }
    }
  }

  /** Of the last delta given: what is in the chain now is in the store once that is written. */
  get sequence(): number {
    return this.#deps.chain.sequence
  }

  /** From now on the share chain must not grow. */
  storeBehind(): void {
    this.#isStoreBehind = true
    this.#deps.effects.report({ type: 'storeBehind' })
  }

  /** It may grow again: what waited is added in the order it came, however far behind that puts the disk again. */
  storeCaughtUp(now: Moment): void {
    this.#isStoreBehind = false
    const held = this.#held
    this.#held = []
    this.#deps.effects.report({ type: 'storeCaughtUp', shares: held.length })
    for (const { share, finder, block } of held) {
      const shareHash = this.#addOwnShare(share, finder, now)
      if (block !== null) this.#deps.blocks.becameShare(block, shareHash)
    }
  }

  /** A peer's share. What came of it goes back to the gossip machine; the rest is done here. */
  takeShare({ share, from }: PeerShare, now: Moment): ChainOutcome {
    return this.#taken(this.#deps.chain.addShare(share, { peer: from.peer }, now.wallMs), share)
  }

  /** Headers of a peer; the same. */
  takeHeaders({ items, provenWork }: PeerHeaders, now: Moment): ChainOutcome {
    return this.#taken(this.#deps.chain.addHeaders(items, now.wallMs, provenWork))
  }

  /** How long the chain waits for a body depends on it. */
  awaitBodies(wait: BodyWait, now: Moment): ChainOutcome {
    return this.#taken(this.#deps.chain.awaitBodies(wait, now.wallMs))
  }

  /** Lets the chain do what it has put off. */
  advance(now: Moment): void {
    const { chain } = this.#deps
    if (chain.nextDeadlineMs === null || chain.nextDeadlineMs > now.wallMs) return
    this.#changed(chain.advance(now.wallMs), now)
    this.resume()
  }

  /** Whether the chain follows a share that would have to wait if it came now. */
  hasAhead(now: Moment): boolean {
    return this.#deps.chain.hasAhead(now.wallMs)
  }

  /** Our clock was ahead, and is right now: the chain does without what was made meanwhile until its time has come. */
  holdAhead(now: Moment): void {
    const outcome = this.#deps.chain.holdAhead(now.wallMs)
    const { length: shares } = outcome.invalidated
    if (shares > 0)
      this.#deps.effects.report({ type: 'sharesAhead', shares, height: this.#deps.chain.confirmedTip().height })
    // Where nothing is taken off the chain may have taken up what was due.
    this.#changed(outcome, now)
  }

  /**
   * Asks for the next shares that are stored but not validated: after a restart, or when more had to wait than memory
   * holds. Parents come before children.
   */
  resume(): void {
    if (this.#reading !== null) return
    const { chain, effects } = this.#deps
    const hashes = chain.resume(RESUME_BATCH)
    if (hashes.length === 0) {
      if (this.#resumed > 0) effects.report({ type: 'resumed', validated: this.#resumed })
      this.#resumed = 0
      return
    }
    this.#requestId++
    this.#reading = { requestId: this.#requestId }
    const afterSequence = chain.sequence
    effects.add({ type: 'readShares', for: 'chain', requestId: this.#requestId, afterSequence, hashes })
  }

  /** The shares asked for by `resume`. An answer nobody waits for is dropped. */
  takeRead(event: SharesRead, now: Moment): void {
    if (this.#reading === null || event.requestId !== this.#reading.requestId) return
    this.#reading = null
    const { shares } = this.#readable(event, now)
    const outcome = this.#deps.chain.bodiesRead(shares, now.wallMs)
    this.#resumed += outcome.validated.length
    this.#changed(outcome, now)
    this.resume()
  }

  /**
   * Bodies read for a peer, those that cannot be read replaced by null: sent on, a damaged one would be held against us.
   */
  readForPeers(event: SharesRead, now: Moment): SharesRead {
    const { isReadable } = this.#readable(event, now)
    return { ...event, shares: event.shares.map((bytes, index) => (isReadable[index] === true ? bytes : null)) }
  }

  /** Decodes what was read; bodies that the store should have and has not are fetched from peers again. */
  #readable(event: SharesRead, now: Moment): { readonly shares: Share[]; readonly isReadable: boolean[] } {
    const shares: Share[] = []
    const isReadable = event.hashes.map((hash, index) => {
      const share = decodeStored(event.shares[index] ?? null)
      if (share?.hash !== hash) return false
      shares.push(share)
      return true
    })
    this.#bodiesLost(
      event.hashes.filter((_, index) => isReadable[index] === false),
      now
    )
    return { shares, isReadable }
  }

  #bodiesLost(hashes: readonly ShareHash[], now: Moment): void {
    const { chain, effects } = this.#deps
    // Pruned while the read was under way, or known to be missing.
    const lost = hashes.filter(hash => chain.facts(hash)?.hasBody === true)
    if (lost.length === 0) return
    const outcome = chain.bodiesLost(lost, now.wallMs)
    for (const shareHash of lost) {
      const facts = chain.facts(shareHash)
      if (facts?.hasBody === false) effects.report({ type: 'bodyLost', shareHash, height: facts.height })
    }
    this.#changed(outcome, now)
  }

  checkInvariants(): void {
    invariant(this.#held.length <= MAX_HELD_SHARES, 'shares that wait for the disk are within their cap')
  }

  #hold(held: HeldShare): void {
    this.#held.push(held)
    this.#keep(held.share, null)
    if (this.#held.length <= MAX_HELD_SHARES) return
    const oldest = this.#held.shift()
    if (oldest === undefined) return
    this.#lose(oldest.share.hash, 'disk-too-slow')
  }

  #lose(shareHash: ShareHash, code: string): void {
    const { effects } = this.#deps
    effects.add({ type: 'letGoOfShare', shareHash })
    effects.report({ type: 'shareLost', shareHash, code })
  }

  /** Not in memory alone, until the store has it. */
  #keep(share: Share, untilSequence: number | null): void {
    this.#deps.effects.add({ type: 'keepShare', shareHash: share.hash, encoded: encodeShare(share), untilSequence })
  }

  /** Null if the work could not become a share. */
  #shareOf(solved: SolvedWork): Share | null {
    const built = shareOf(solved)
    if (built === null) return null
    if (built.ok) return built.share
    this.#bug('own-share-unproven', `${built.code} ${describe(built.facts)}`)
    return null
  }

  /** @returns the share's hash if it is on the share chain now */
  #addOwnShare(share: Share, finder: Finder, now: Moment): ShareHash | null {
    const { chain, effects, jobs, tell } = this.#deps
    if (!this.#holdsBase(share.header)) {
      // A job from before a long synchronisation: peers are as far as we are now, and could not place the share either.
      this.#lose(share.hash, 'base-gone')
      return null
    }
    const outcome = chain.addShare(share, 'own', now.wallMs)
    const { verdict } = outcome
    const held = heldFor(verdict)
    const isOnChain = verdict.type === 'accepted' || held !== null
    if (isOnChain) {
      this.#keep(share, outcome.delta?.sequence ?? null)
      effects.report({
        type: 'shareFound',
        shareHash: share.hash,
        height: chain.facts(share.hash)?.height ?? 0,
        payoutAddress: finder.addresses.bitcoin.text,
        worker: finder.worker
      })
    }
    if (held !== null) effects.report({ type: 'shareHeld', shareHash: share.hash, code: held })
    this.#apply(outcome)
    if (isOnChain && !outcome.newBase) jobs.ownShareBeside(share.hash)
    if (verdict.type === 'refused') {
      if (FAULTLESS.has(verdict.code)) this.#lose(share.hash, verdict.code)
      else this.#bug('own-share-refused', `${verdict.code} ${describe(verdict.facts)}`)
    }
    if (verdict.type === 'waiting' && held === null) this.#bug('own-share-waits', verdict.missing.join(', '))
    tell(isOnChain ? { type: 'ownShare', share, outcome } : { type: 'chainChanged', outcome }, now)
    return isOnChain || verdict.type === 'known' ? share.hash : null
  }

  /** Whether what the share builds on is still held: the chain lets go of what lies deep below its tip. */
  #holdsBase({ prevShareHash, uncles }: ShareHeader): boolean {
    return [prevShareHash, ...uncles].every(hash => this.#deps.chain.facts(hash) !== undefined)
  }

  #taken(outcome: ChainOutcome, share: Share | null = null): ChainOutcome {
    this.#apply(outcome, share)
    // More may have had to wait than memory holds, or a stored share's turn may have come.
    if (outcome.delta !== null) this.resume()
    return outcome
  }

  #changed(outcome: ChainOutcome, now: Moment): void {
    this.#apply(outcome)
    this.#deps.tell({ type: 'chainChanged', outcome }, now)
  }

  /** @param share of a peer, which the outcome is of */
  #apply(outcome: ChainOutcome, share: Share | null = null): void {
    const { blocks, chain, effects, jobs } = this.#deps
    if (outcome.newBase) jobs.baseMoved()
    const changes = blocks.changes(outcome, share)
    if (outcome.delta === null) blocks.commit(changes)
    else effects.add({ type: 'commit', delta: withBlocks(outcome.delta, changes) })
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

/** Why a share is on the chain and has no verdict yet, or null. */
function heldFor(verdict: ChainVerdict): string | null {
  return verdict.type === 'waiting' && verdict.missing.length === 0 ? (verdict.code ?? 'unknown') : null
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
