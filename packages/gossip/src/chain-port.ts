import type { BodyWait, ChainVerdict, HeaderItem, HeaderQuestion, Share, ShareFacts } from '@p2poolv2/consensus'
import type { BlockHash, Height, ShareHash, UnixSec, Work } from '@p2poolv2/primitives'
import type { PeerId } from './network-port.ts'

/**
 * The port between the gossip machine and the share chain beside it: what it asks (`ChainIndex`) and what it hands over
 * (`ChainPort`). Both are calls, answered at once, because a peer's share is judged in the turn it came in
 * ([decision 0012](../../../docs/decisions/0012-gossip-asks-the-chain.md)).
 */

/** Where a share came from. A topic message is held back by the network until its `verdict`. */
export type ShareSource =
  | { readonly via: 'topic'; readonly peer: PeerId; readonly messageId: string }
  | { readonly via: 'push'; readonly peer: PeerId }
  | { readonly via: 'fetch'; readonly peer: PeerId }

/** The part of the share chain's outcome that gossip needs; a `ChainOutcome` is one. */
export interface ChainJudgement {
  readonly verdict: ChainVerdict
  /** Shares that became fully valid, with those that had waited for this one. */
  readonly validated: readonly ShareHash[]
  /** Shares that became invalid. */
  readonly invalidated: readonly ShareHash[]
  /** Shares whose bodies should be fetched. */
  readonly wanted: readonly ShareHash[]
}

/** What gossip reads of the share chain. Read at any time inside `handle`; never kept. */
export interface ChainIndex {
  /** The lowest height above the genesis in memory; what is below is in the store's archive. */
  readonly keptFromHeight: Height
  /** Whether a heavier chain is still taken that forks from below that. */
  readonly isUndecided: boolean
  readonly genesisHash: ShareHash
  facts(hash: ShareHash): ShareFacts | undefined
  confirmedTip(): ShareFacts
  candidateTip(): ShareFacts
  /** The candidate chain as a locator that begins `depth` heights below its tip (protocol §19.2). */
  locator(depth: Height): readonly ShareHash[]
  /** Hashes of the headers that answer a question, in the order they are sent (protocol §18.5); whole heights. */
  headerAnswer(question: HeaderQuestion): readonly ShareHash[]
  /** What the wall clock says: times in shares and blocks are compared with it, and gossip itself keeps steady time only. */
  wallSec(): UnixSec
  /** Shares whose bodies are missing, by rising height, uncles before those that name them (protocol §19.4). */
  wantedBodies(limit: number): readonly ShareHash[]
}

/** A share of a peer that carries enough work to be looked at. */
export interface PeerShare {
  readonly share: Share
  readonly from: ShareSource
}

/** Headers of one answer, in its order. */
export interface PeerHeaders {
  readonly items: readonly HeaderItem[]
  readonly peer: PeerId
  /** Of the chain they belong to, if it has been followed further than them; else 0. */
  readonly provenWork: Work
}

/** A whole block put together from a peer's share. */
export interface RebuiltBlock {
  readonly blockHash: BlockHash
  readonly bitcoinHeight: number
  /** The `submitblock` argument. */
  readonly blockHex: string
  readonly share: Share
}

/**
 * The share chain as gossip uses it. Whoever implements it does what follows on its own side (commits, new work for miners,
 * records) before it returns, and never calls the machine from inside such a call.
 */
export interface ChainPort extends ChainIndex {
  takeShare(share: PeerShare): ChainJudgement
  takeHeaders(headers: PeerHeaders): ChainJudgement
  /**
   * Told when it changes. While peers are asked for the candidate chain's bodies, the chain does not wait for ever for one that nobody
   * gives.
   */
  awaitBodies(wait: BodyWait): ChainJudgement
  /** To all bitcoin nodes at once, before the chain is asked about its share. Given once per block. */
  submitBlock(block: RebuiltBlock): void
}

/** The share chain itself, as the port passes it on; a `ShareChain` is one. */
export interface PortedChain extends Omit<ChainIndex, 'genesisHash' | 'wallSec' | 'wantedBodies'> {
  bodiesWanted(limit: number): readonly ShareHash[]
}

/** A port that reads a chain itself. The clock, and all that changes something, are its owner's. */
export function chainPort(
  chain: PortedChain,
  own: Pick<ChainPort, 'genesisHash' | 'wallSec' | 'takeShare' | 'takeHeaders' | 'awaitBodies' | 'submitBlock'>
): ChainPort {
  return {
    ...own,
    get keptFromHeight() {
      return chain.keptFromHeight
    },
    get isUndecided() {
      return chain.isUndecided
    },
    facts: hash => chain.facts(hash),
    confirmedTip: () => chain.confirmedTip(),
    candidateTip: () => chain.candidateTip(),
    locator: depth => chain.locator(depth),
    headerAnswer: question => chain.headerAnswer(question),
    wantedBodies: limit => chain.bodiesWanted(limit)
  }
}
