/** Headers on their way between nodes, decoded, the question they answer, and where old ones are found. */
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { ShareHeader } from '../share.ts'

/** A header with the bitcoin merkle branch (n × 32 bytes, leaf side first) that ties its coinbase to its proof of work. */
export interface HeaderItem {
  readonly header: ShareHeader
  readonly merkleBranch: Uint8Array
  readonly hash: ShareHash
}

/**
 * What a node asks its peer for: its own chain in sparse hashes, newest first, and where to stop (the zero hash: nowhere).
 * Source: protocol §18.5, §19.2.
 */
export interface HeaderQuestion {
  readonly locator: readonly ShareHash[]
  readonly stopHash: ShareHash
}

/** The shares of a height that has left memory. */
export interface ArchivedHeight {
  readonly height: Height
  /** The confirmed share. */
  readonly chain: ShareHash
  /** By digest: the chain's share, the uncles kept of this height and what such are built on. */
  readonly hashes: readonly ShareHash[]
}
