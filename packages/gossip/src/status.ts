import type { UnixMs } from '@p2poolv2/primitives'
import type { ChainIndex, GossipStatus, SyncState } from './contract.ts'
import { isCurrent } from './currentness.ts'
import type { HeaderSync } from './headers/sync.ts'
import type { PeerBook } from './peers/peer-book.ts'
import type { ShareFetcher } from './shares/fetcher.ts'

/** Candidate shares without verdict that are normal while shares come in. */
const USUAL_LAG = 6

interface Parts {
  readonly chain: ChainIndex
  readonly peers: PeerBook
  readonly headers: HeaderSync
  readonly fetcher: ShareFetcher
}

const SENTENCES: Readonly<Record<SyncState | 'quiet', string>> = {
  alone:
    'No peer is connected: shares found now count here and are offered to the first peer that comes, but a longer chain may exist elsewhere and leave them unpaid.',
  syncing:
    'Older shares are still being fetched: work is offered, but shares found now may build on a stale base and go unpaid.',
  current: 'The share chain is current: shares found now count as soon as they are found.',
  quiet:
    'No share has been confirmed in the last minutes and peers know of none: shares found now continue the chain and count.'
}

export function syncState({ chain, peers, headers }: Parts, nowMs: UnixMs): SyncState {
  if (peers.size === 0) return 'alone'
  const lag = chain.candidateTip().height - chain.confirmedTip().height
  if (headers.isCatchingUp || lag > USUAL_LAG) return 'syncing'
  if (isCurrent(chain, nowMs)) return 'current'
  return headers.sessionCount > 0 || !hasHeardTip(peers) ? 'syncing' : 'current'
}

export function gossipStatus(parts: Parts, nowMs: UnixMs): GossipStatus {
  const state = syncState(parts, nowMs)
  const quiet = state === 'current' && !isCurrent(parts.chain, nowMs)
  return {
    state,
    sentence: SENTENCES[quiet ? 'quiet' : state],
    peers: [...parts.peers.all()].map(peer => ({
      peer: peer.id,
      direction: peer.direction,
      dialect: peer.dialect,
      connectedAtMs: peer.connectedAtMs,
      claimedHeight: peer.claimedHeight,
      penaltyPoints: peer.pointsAt(nowMs)
    })),
    wantedShares: parts.fetcher.size
  }
}

/** Whether a peer has told where it stands. */
function hasHeardTip(peers: PeerBook): boolean {
  for (const peer of peers.all()) if (peer.claimedHeight !== null) return true
  return false
}
