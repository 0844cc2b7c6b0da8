import type { BlockTemplate } from '@p2poolv2/bitcoin'
import {
  type ChainParams,
  consensusFingerprint,
  encodeHeaderBatch,
  encodeShare,
  genesisShare,
  type Share
} from '@p2poolv2/consensus'
import { invariant, type ShareHash, type SteadyMs, secFromMs, seededRng, steadyMs, unixMs } from '@p2poolv2/primitives'
import { type ChainOutcome, MemoryStore, SCHEMA_VERSION, ShareChain } from '@p2poolv2/sharechain'
import {
  type ChainJudgement,
  type ChainPort,
  chainPort,
  type PeerHeaders,
  type PeerShare,
  type RebuiltBlock
} from '../chain-port.ts'
import type { GossipEffect, GossipEvent, GossipFact } from '../contract.ts'
import { Gossip } from '../gossip.ts'
import type { PeerEffect } from '../network-port.ts'

/** Whoever takes part in a test's network: a real node, or a script that plays one. */
export interface Actor {
  handle(event: GossipEvent, nowMs: SteadyMs): readonly PeerEffect[]
  readonly nextDeadlineMs: SteadyMs | null
}

/** The gossip machine beside a real share chain, with everything accepted kept in two maps as a store would. */
export class TestNode implements Actor {
  readonly chain: ShareChain
  readonly gossip: Gossip
  readonly facts: GossipFact[] = []
  readonly blocks: RebuiltBlock[] = []
  /** Largest number of hashes one read asked for. */
  largestRead = 0
  /** How far the node's wall clock is ahead of the steady time it is handed. */
  skewMs = 0
  #wallMs = unixMs(0)
  readonly #bodies: Map<ShareHash, Uint8Array>
  readonly #headers: Map<ShareHash, Uint8Array>
  /** Everything the chain commits, for its archive. */
  readonly store: MemoryStore
  #events = 0

  /** @param options `shares` it holds from the start, as of `nowMs`; `like`: a node whose chain and store this one shares, for peers that only serve */
  constructor(params: ChainParams, options: { shares?: readonly Share[]; nowMs?: number; like?: TestNode } = {}) {
    const { shares = [], nowMs, like } = options
    this.chain = like?.chain ?? new ShareChain({ params })
    this.#bodies = like === undefined ? new Map() : like.#bodies
    this.#headers = like === undefined ? new Map() : like.#headers
    this.store = like?.store ?? emptyStore(params)
    if (like === undefined) this.store.commitNow(this.chain.genesisDelta())
    this.gossip = new Gossip({ params }, { chain: this.#port(params), rng: seededRng(1) })
    if (nowMs === undefined) return
    this.#wallMs = unixMs(nowMs)
    for (const share of shares) this.#keep(share, this.chain.addShare(share, 'own', this.#wallMs))
  }

  get nextDeadlineMs(): SteadyMs | null {
    const gossip = this.gossip.nextDeadlineMs
    const dueMs = this.chain.nextDeadlineMs
    const chain = dueMs === null ? null : steadyMs(dueMs - this.skewMs)
    return gossip === null || (chain !== null && chain < gossip) ? chain : gossip
  }

  get tip(): ShareHash {
    return this.chain.confirmedTip().hash
  }

  /** A miner of this node found the share. */
  found(share: Share, nowMs: SteadyMs): readonly PeerEffect[] {
    this.#wallMs = unixMs(nowMs + this.skewMs)
    const outcome = this.chain.addShare(share, 'own', this.#wallMs)
    this.#keep(share, outcome)
    return this.handle({ type: 'ownShare', share, outcome }, nowMs)
  }

  /** The store has lost this header. */
  loseHeader(hash: ShareHash): void {
    this.#headers.delete(hash)
  }

  template(template: BlockTemplate, nowMs: SteadyMs): readonly PeerEffect[] {
    return this.handle({ type: 'ownTemplate', template }, nowMs)
  }

  handle(event: GossipEvent, nowMs: SteadyMs): readonly PeerEffect[] {
    this.#wallMs = unixMs(nowMs + this.skewMs)
    const out = this.gossip.handle(event, nowMs).flatMap(effect => this.#perform(effect, nowMs))
    // What is due is done in the turn it is due in; else the shell would spin.
    const dueMs = this.gossip.nextDeadlineMs
    invariant(dueMs === null || dueMs > nowMs, 'a deadline lies ahead')
    // After every event at first, then now and then: a check looks at everything a machine holds.
    if (this.#events++ < 300 || this.#events % 25 === 0) this.gossip.checkInvariants()
    const { nextDeadlineMs } = this.chain
    if (nextDeadlineMs !== null && nextDeadlineMs <= this.#wallMs) {
      const outcome = this.chain.advance(this.#wallMs)
      this.#commit(outcome)
      return [...out, ...this.handle({ type: 'chainChanged', outcome }, nowMs)]
    }
    return out
  }

  #perform(effect: GossipEffect, nowMs: SteadyMs): readonly PeerEffect[] {
    switch (effect.type) {
      case 'readShares': {
        const shares = effect.hashes.map(hash => this.#bodies.get(hash) ?? null)
        return this.handle({ type: 'sharesRead', requestId: effect.requestId, shares }, nowMs)
      }
      case 'readHeaders': {
        this.largestRead = Math.max(this.largestRead, effect.hashes.length)
        const batches = effect.hashes.map(hash => this.#headers.get(hash) ?? null)
        return this.handle({ type: 'headersRead', requestId: effect.requestId, batches }, nowMs)
      }
      case 'readArchive': {
        const heights = this.store.archiveNow(effect.locator, effect.limit)
        return this.handle({ type: 'archiveRead', requestId: effect.requestId, heights }, nowMs)
      }
      case 'report':
        this.facts.push(effect.fact)
        return []
      default:
        return [effect]
    }
  }

  #takeShare({ share, from }: PeerShare): ChainJudgement {
    const outcome = this.chain.addShare(share, { peer: from.peer }, this.#wallMs)
    this.#keep(share, outcome)
    return outcome
  }

  #takeHeaders({ items, provenWork }: PeerHeaders): ChainJudgement {
    const outcome = this.chain.addHeaders(items, this.#wallMs, provenWork)
    this.#commit(outcome)
    if (outcome.verdict.type === 'accepted') {
      for (const item of items) this.#headers.set(item.hash, encodeHeaderBatch([item]))
    }
    return outcome
  }

  #commit({ delta }: ChainOutcome): void {
    if (delta !== null) this.store.commitNow(delta)
  }

  /** As a store would, which may hold shares that wait: nobody asks for those. */
  #keep(share: Share, outcome: ChainOutcome): void {
    this.#commit(outcome)
    if (outcome.verdict.type === 'refused') return
    this.#bodies.set(share.hash, encodeShare(share))
    this.#headers.set(share.hash, encodeHeaderBatch([share]))
  }

  #port(params: ChainParams): ChainPort {
    return chainPort(this.chain, {
      genesisHash: genesisShare(params).hash,
      wallSec: () => secFromMs(this.#wallMs),
      takeShare: share => this.#takeShare(share),
      takeHeaders: headers => this.#takeHeaders(headers),
      awaitBodies: wait => {
        const outcome = this.chain.awaitBodies(wait, this.#wallMs)
        this.#commit(outcome)
        return outcome
      },
      submitBlock: block => this.blocks.push(block)
    })
  }
}

function emptyStore(params: ChainParams): MemoryStore {
  const identity = { fingerprint: consensusFingerprint(params), genesisHash: genesisShare(params).hash }
  return new MemoryStore({ ...identity, schemaVersion: SCHEMA_VERSION, chain: params.chain })
}
