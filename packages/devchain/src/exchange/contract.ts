import type { ChainBlock } from '../block-tree.ts'

/** Names one connected peer; opaque text of the network. */
export type PeerId = string

export type ExchangeEvent =
  /** A peer that serves this protocol for the same devnet. */
  | { readonly type: 'peerConnected'; readonly peer: PeerId }
  | { readonly type: 'peerGone'; readonly peer: PeerId }
  /** A miner of ours found a block, or several: the chain has them. */
  | { readonly type: 'ownBlocks' }
  /** Answered with exactly one `answer` among the effects of the same call. The id is the network's. */
  | { readonly type: 'request'; readonly peer: PeerId; readonly requestId: number; readonly payload: Uint8Array }
  /** The answer to an `ask`; null when the peer gave none. */
  | { readonly type: 'response'; readonly requestId: number; readonly payload: Uint8Array | null }
  | { readonly type: 'failed'; readonly requestId: number }
  | { readonly type: 'deadline' }

export type ExchangeEffect =
  /** The chain has these, parents first: for the disk, and for who waits for a tip. */
  | { readonly type: 'added'; readonly blocks: readonly ChainBlock[] }
  /** The chain has given up all of its blocks for others: the disk gets what is kept now. */
  | { readonly type: 'replaced' }
  | { readonly type: 'answer'; readonly peer: PeerId; readonly requestId: number; readonly payload: Uint8Array | null }
  /** Sent to be answered by one `response` or `failed`. Ids are never used twice. */
  | {
      readonly type: 'ask'
      readonly peer: PeerId
      readonly requestId: number
      readonly payload: Uint8Array
      readonly timeoutMs: number
    }
  /** The peer sent what no honest one sends. It is forgotten here. */
  | { readonly type: 'drop'; readonly peer: PeerId; readonly reason: string }

/** @param tag first 8 hex digits of the genesis share's hash, as in every protocol name (protocol §18.1) */
export function exchangeProtocol(tag: string): string {
  return `/p2pool/devnet/${tag}/blocks/1.0.0`
}
