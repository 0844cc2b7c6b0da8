import {
  createTopicScoreParams,
  type PeerScoreParams,
  type PeerScoreThresholds
} from '@chainsafe/libp2p-gossipsub/score'
import type { NetworkNames } from '@p2poolv2/gossip'
import { isLocalIp } from './addresses.ts'

/** Loopback and the own network, where many nodes of one household or one test are at home behind few addresses. */
class LocalAddresses extends Set<string> {
  override has(ip: string): boolean {
    return isLocalIp(ip)
  }
}

/**
 * How gossipsub judges neighbours. It decides about places in the mesh and whether a peer is heard in topics at all; what a bad
 * message costs otherwise is the gossip machine's (`peers/verdicts.ts`), which drops and bans. So this needs to be quick and
 * forgiving: it covers the time until then, and what only this layer sees.
 */
export function scoreParams(names: NetworkNames): PeerScoreParams {
  const shared = {
    // A share every ten seconds, each from the neighbour that was first: how many a neighbour owes us cannot be said.
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    // 10, 40, 90 for one, two, three rejected: out of the mesh, no gossip, not heard. Half is forgotten in two minutes and a half.
    invalidMessageDeliveriesWeight: -10,
    invalidMessageDeliveriesDecay: 0.9954
  }
  return {
    topics: {
      [names.topics.shares]: createTopicScoreParams({
        ...shared,
        topicWeight: 1,
        // At most 3 after an hour: staying is worth something, and less than one rejected message costs.
        timeInMeshWeight: 0.01,
        timeInMeshQuantum: 12_000,
        timeInMeshCap: 300,
        // At most 10: who brings shares first keeps its place. Ten shares, half forgotten in five minutes.
        firstMessageDeliveriesWeight: 1,
        firstMessageDeliveriesDecay: 0.9977,
        firstMessageDeliveriesCap: 10
      }),
      [names.topics.templates]: createTopicScoreParams({
        ...shared,
        topicWeight: 1,
        // Announcements go one hop, so each is brought first by its maker: being first means nothing.
        timeInMeshWeight: 0,
        firstMessageDeliveriesWeight: 0
      })
    },
    // A peer with a good past is dropped as well once it sends rubbish: see above, 10 + 3 - 40 < 0.
    topicScoreCap: 13,
    // The machine keeps the other score; two scores of one thing would be one too many.
    appSpecificScore: () => 0,
    appSpecificWeight: 0,
    // Sixteen neighbours behind one public address are a farm or a student's house; more are likelier one person with many names.
    IPColocationFactorThreshold: 16,
    IPColocationFactorWeight: -5,
    IPColocationFactorWhitelist: new LocalAddresses(),
    // Broken promises and grafts out of turn. A slow line breaks some promises, so the first six are free.
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyWeight: -5,
    behaviourPenaltyDecay: 0.99,
    decayInterval: 1_000,
    decayToZero: 0.01,
    // A peer that went and came again within ten minutes is what it was.
    retainScore: 600_000
  }
}

/** What a score means; see the steps of the invalid messages above. */
export const SCORE_THRESHOLDS: PeerScoreThresholds = {
  gossipThreshold: -15,
  publishThreshold: -50,
  graylistThreshold: -80,
  // Peers are not exchanged: the peering machine chooses neighbours.
  acceptPXThreshold: 1_000,
  // Half of the mesh has brought no share for long: look for better neighbours.
  opportunisticGraftThreshold: 1
}
