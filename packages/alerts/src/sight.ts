import type { Sats } from '@p2poolv2/primitives'

/** One look at the node, as the rules need it. */
export interface Sight {
  readonly workers: readonly WorkerSight[]
  /** Of all miners, hashes a second. */
  readonly hashrate: { readonly m15: number; readonly d1: number }
  /** Whether the share chain or the bitcoin node is behind, and how; null while neither is known to be. */
  readonly behind: string | null
  /** Why no bitcoin node can be used; null while one can, or none has been asked yet. */
  readonly bitcoindAway: string | null
  /** Of the bitcoin node; null until it has told. */
  readonly bitcoinHeight: number | null
  /** The newest of the pool, in any order. */
  readonly blocks: readonly BlockSight[]
  /** Of the file system with the data directory; null where it cannot be told. */
  readonly diskFreeBytes: number | null
}

export interface WorkerSight {
  /** Names it for good. */
  readonly id: string
  /** As its owner knows it; text from outside. */
  readonly name: string
  /** When its last submit was accepted, unix seconds; null: none yet. */
  readonly lastAcceptedSec: number | null
}

export interface BlockSight {
  readonly hash: string
  readonly bitcoinHeight: number
  /** `lost`: another block has its height. */
  readonly state: 'good' | 'lost'
  readonly oursSats: Sats
}
