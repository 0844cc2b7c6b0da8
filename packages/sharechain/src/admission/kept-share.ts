import { decodeShare, encodeShare, type Share } from '@p2poolv2/consensus'
import { ownBytes, type ShareHash } from '@p2poolv2/primitives'
import type { ShareOrigin } from '../contract.ts'

/** A share that waits, as bytes: decoded it takes some ten times as much, and what holds such holds ten times what it counts. */
export interface KeptBody {
  readonly hash: ShareHash
  readonly prevHash: ShareHash
  /** All that it holds, but for a few names. */
  readonly sizeBytes: number
  share(): Share
}

/** One that is not in the tree yet, and who brought it. */
export interface KeptShare extends KeptBody {
  readonly origin: ShareOrigin
}

export function keptBody(share: Share): KeptBody {
  const bytes = ownBytes(encodeShare(share))
  const { hash, header } = share
  return { hash, prevHash: header.prevShareHash, sizeBytes: bytes.length, share: () => decodeShare(bytes) }
}

export function keptShare(share: Share, origin: ShareOrigin): KeptShare {
  return { ...keptBody(share), origin }
}
