import type { Gossip, GossipEffect, GossipEvent } from '@p2poolv2/gossip'
import type { Moment, ShareHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { EffectList } from '../effect-list.ts'
import type { ChainKeeper } from './chain-keeper.ts'

/**
 * Verdicts handed back to the gossip machine for one event. It mostly has one share or batch of headers for the chain, and
 * never more than the rate limits of all peers let through; above that the two machines do not come to rest: a bug.
 */
const MAX_VERDICTS_PER_EVENT = 100_000

export interface NetworkDeps {
  readonly gossip: Gossip
  readonly keeper: ChainKeeper
  readonly effects: EffectList
}

/**
 * The node's side towards its peers: hands events to the gossip machine, what it delivers to the share chain, and the
 * chain's verdict back to it, all in one turn.
 */
export class Network {
  readonly #deps: NetworkDeps
  /** Shares of this turn that are bitcoin blocks. */
  readonly #blocks = new Set<ShareHash>()

  constructor(deps: NetworkDeps) {
    this.#deps = deps
  }

  handle(event: GossipEvent, now: Moment): void {
    const events: GossipEvent[] = [event]
    let handled = 0
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      invariant(handled++ <= MAX_VERDICTS_PER_EVENT, 'the share chain and the gossip machine come to rest')
      for (const effect of this.#deps.gossip.handle(next, now.steadyMs)) {
        const verdict = this.#perform(effect, now)
        if (verdict !== null) events.push(verdict)
      }
    }
    this.#blocks.clear()
  }

  checkInvariants(): void {
    invariant(this.#blocks.size === 0, 'blocks are recorded in the turn they are seen in')
  }

  /** @returns what the share chain makes of it, if it was for the share chain */
  #perform(effect: GossipEffect, now: Moment): GossipEvent | null {
    const { effects, keeper } = this.#deps
    switch (effect.type) {
      case 'publish':
      case 'verdict':
      case 'request':
      case 'respond':
        effects.add(effect)
        return null
      case 'penalise': {
        const { peer, points, code } = effect
        effects.add(effect)
        effects.report({ type: 'peerPenalised', peer, points, code })
        return null
      }
      case 'dropPeer':
        effects.add(effect)
        effects.report({ type: 'peerDropped', peer: effect.peer, reason: effect.reason })
        return null
      case 'deliverShare': {
        const { share, from } = effect
        const outcome = keeper.takeShare(share, from.peer, now)
        // One that breaks a rule does not pay the pool, so it is none of the pool's blocks.
        if (this.#blocks.has(share.hash) && outcome.verdict.type !== 'refused') keeper.recordSeen(share)
        return { type: 'shareJudged', hash: share.hash, from, outcome }
      }
      case 'deliverHeaders': {
        const outcome = keeper.takeHeaders(effect, now)
        return { type: 'headersJudged', deliveryId: effect.deliveryId, outcome }
      }
      case 'readShares':
      case 'readHeaders':
        effects.add({ ...effect, for: 'peers', afterSequence: keeper.sequence })
        return null
      case 'readArchive':
        effects.add({ ...effect, afterSequence: keeper.sequence })
        return null
      case 'submitRebuiltBlock':
        keeper.submitRebuilt(effect)
        return null
      case 'report':
        if (effect.fact.type === 'blockSeen') this.#blocks.add(effect.fact.shareHash)
        effects.report({ type: 'gossip', fact: effect.fact })
        return null
      default:
        effect satisfies never
        return null
    }
  }
}
