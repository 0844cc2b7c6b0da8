import type { SteadyMs } from '@p2poolv2/primitives'
import type { ChainIndex } from './chain-port.ts'
import type { GossipStatus, SyncState } from './contract.ts'
import { isCurrent } from './currentness.ts'
import type { HeaderSync } from './headers/sync.ts'
import type { GossipEffects } from './peers/gossip-effects.ts'
import type { PeerBook } from './peers/peer-book.ts'
import type { ShareMeter } from './progress.ts'
import type { ShareFetcher } from './shares/fetcher.ts'

/** Candidate shares without verdict that are normal while shares come in. */
const USUAL_LAG = 6

interface Parts {
  readonly chain: ChainIndex
  readonly peers: PeerBook
  readonly out: GossipEffects
  readonly headers: HeaderSync
  readonly fetcher: ShareFetcher
  readonly shareMeter: ShareMeter
}

export function syncState({ chain, peers, headers }: Parts): SyncState {
  if (!peers.hasCompany) return 'alone'
  if (headers.isCatchingUp || isBehind(chain)) return 'syncing'
  // Our own shares keep our own chain fresh: it is the one that counts only once somebody has had a word.
  if (isCurrent(chain)) return headers.hasHeard || knowsShares(peers) ? 'current' : 'syncing'
  return headers.sessionCount > 0 || !hasHeardTip(peers) || isShownMore(chain, peers) ? 'syncing' : 'current'
}

/** Whether more shares than usual wait to be judged. */
export function isBehind(chain: ChainIndex): boolean {
  return chain.candidateTip().height - chain.confirmedTip().height > USUAL_LAG
}

export function gossipStatus(parts: Parts, nowMs: SteadyMs): GossipStatus {
  const state = syncState(parts)
  const { chain } = parts
  const tips = { confirmed: chain.confirmedTip().height, candidate: chain.candidateTip().height }
  return {
    state,
    quiet: state === 'current' && !isCurrent(parts.chain),
    peers: [...parts.peers.all()].map(peer => ({
      peer: peer.id,
      direction: peer.direction,
      dialect: peer.dialect,
      connectedAtMs: peer.connectedAtMs,
      claimedHeight: peer.claimedHeight,
      shownHeight: peer.shownHeight,
      penaltyPoints: peer.pointsAt(nowMs),
      unsentBytes: parts.out.unsent.of(peer.id),
      rules: peer.rules
    })),
    isPrivateFork: isPrivateFork(parts.peers),
    headers: parts.headers.progress(nowMs),
    shares: isBehind(chain) ? parts.shareMeter.read(tips, nowMs) : null,
    wantedShares: parts.fetcher.size
  }
}

/**
 * Whether every peer that we chose follows other rules. Who dialled us could be anybody, and must not be able to stop a node's shares
 * by a word; who has not told its rules, or cannot, may follow ours.
 */
export function isPrivateFork(peers: PeerBook): boolean {
  let others = 0
  for (const { rules, direction } of peers.all()) {
    if (direction === 'inbound') continue
    if (rules === 'same' || rules === 'unknown') return false
    others++
  }
  return others > 0
}

/** Whether a peer is at a share that we know. */
function knowsShares(peers: PeerBook): boolean {
  for (const peer of peers.all()) if (peer.isOfOurRules && peer.shownHeight !== null) return true
  return false
}

/** Whether a peer has shown headers far above what is confirmed, on whatever branch: their bodies may yet come. */
function isShownMore(chain: ChainIndex, peers: PeerBook): boolean {
  const { height } = chain.confirmedTip()
  for (const peer of peers.all()) if (peer.isOfOurRules && (peer.shownHeight ?? 0) > height + USUAL_LAG) return true
  return false
}

/** Whether a peer has told where it stands. */
function hasHeardTip(peers: PeerBook): boolean {
  for (const peer of peers.all()) if (peer.isOfOurRules && peer.claimedHeight !== null) return true
  return false
}
