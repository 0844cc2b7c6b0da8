/** Headers on their way between nodes, decoded, and the question they answer. */
import type { ShareHash } from '@p2poolv2/primitives'
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
