import type { Gossip, GossipEffect, GossipEvent } from '@p2poolv2/gossip'
import type { Moment } from '@p2poolv2/primitives'
import type { EffectList } from '../effect-list.ts'
import type { JobMaker } from '../work/job-maker.ts'
import type { ChainKeeper } from './chain-keeper.ts'

export interface PeerDeskDeps {
  readonly gossip: Gossip
  /** Says which commits a read of the store waits for. */
  readonly keeper: Pick<ChainKeeper, 'sequence'>
  readonly effects: EffectList
  /** Told when nobody follows the rules of this node, unless shares are wanted all the same, and when it has caught up. */
  readonly jobs: Pick<JobMaker, 'privateFork' | 'joined'>
  readonly allowsPrivateFork: boolean
}

/** The node's side towards its peers: hands events to the gossip machine and passes on what it wants done. */
export class PeerDesk {
  readonly #deps: PeerDeskDeps

  constructor(deps: PeerDeskDeps) {
    this.#deps = deps
  }

  handle(event: GossipEvent, now: Moment): void {
    for (const effect of this.#deps.gossip.handle(event, now.steadyMs)) this.#perform(effect)
    const { jobs, allowsPrivateFork, gossip } = this.#deps
    if (!allowsPrivateFork) jobs.privateFork(gossip.isPrivateFork)
    if (gossip.state === 'current') jobs.joined()
  }

  #perform(effect: GossipEffect): void {
    const { effects, keeper } = this.#deps
    switch (effect.type) {
      case 'publish':
      case 'verdict':
      case 'request':
      case 'respond':
      case 'otherRules':
        effects.add(effect)
        break
      case 'penalise': {
        const { peer, points, code } = effect
        effects.add(effect)
        effects.report({ type: 'peerPenalised', peer, points, code })
        break
      }
      case 'dropPeer':
        effects.add(effect)
        effects.report({ type: 'peerDropped', peer: effect.peer, reason: effect.reason })
        break
      case 'readShares':
      case 'readHeaders':
        effects.add({ ...effect, for: 'peers', afterSequence: keeper.sequence })
        break
      case 'readArchive':
        effects.add({ ...effect, afterSequence: keeper.sequence })
        break
      case 'report':
        effects.report({ type: 'gossip', fact: effect.fact })
        break
      default:
        effect satisfies never
    }
  }
}
