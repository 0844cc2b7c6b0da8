/** The pool as the outlook sees it: a few numbers that are taken to stay as they are now. */
import type { ChainParams } from '@p2poolv2/consensus'
import { type CompactBits, invariant, workFromBits } from '@p2poolv2/primitives'

/**
 * The most bitcoin blocks that come in the long run: difficulty follows the hash rate, on bitcoin to one in ten minutes, on the
 * development chain to one in thirty seconds. On a regtest chain it does not, and what hashes alone say is no income there.
 */
export const MAX_BLOCKS_PER_SEC = 1 / 30

export interface Pool {
  /** Of all its miners, ours included. */
  readonly hps: number
  /** Expected hashes of a share and of a bitcoin block. */
  readonly shareWorkHashes: number
  readonly blockWorkHashes: number
  /** Expected hashes of the easiest share the chain takes: below it difficulty does not follow the pool down. */
  readonly easiestShareWorkHashes: number
  /** A full payout window holds the work of this many bitcoin blocks, unless the cap in shares is less. */
  readonly windowBlocks: number
  readonly windowMaxShares: number
  /** What the miners of the window divide when a block comes: subsidy and fees without donation and fee of the pool. */
  readonly minersSats: number
}

export interface PoolInput {
  readonly hps: number
  readonly shareBits: CompactBits
  readonly bitcoinBits: CompactBits
  readonly minersSats: number
}

export function poolOf(params: ChainParams, { hps, shareBits, bitcoinBits, minersSats }: PoolInput): Pool {
  return {
    hps,
    shareWorkHashes: Number(workFromBits(shareBits)),
    blockWorkHashes: Number(workFromBits(bitcoinBits)),
    easiestShareWorkHashes: Number(workFromBits(params.maxTargetBits)),
    windowBlocks: Number(params.difficultyMultiplier),
    windowMaxShares: params.windowMaxShares,
    minersSats
  }
}

/** How often things happen, for a miner in a pool. All rates are events a second; 0 where nobody mines. */
export interface Pace {
  /** Shares of the whole pool. */
  readonly poolSharesPerSec: number
  /** Shares of ours. */
  readonly sharesPerSec: number
  /** Bitcoin blocks of the whole pool, MAX_BLOCKS_PER_SEC at most. */
  readonly blocksPerSec: number
  /** Shares in a full window, and how long each stays in it. Infinite where the pool stands still. */
  readonly windowShares: number
  readonly windowSec: number
  /** Shares of ours in a full window, on average. */
  readonly ownSharesInWindow: number
  /** What a share of ours gets from each block that comes while it is in a full window. */
  readonly satsPerShareAndBlock: number
}

/**
 * The window holds min(cap, windowBlocks × block work / share work) shares, at least one: it is measured in weight, ten for each
 * unit of difficulty, and uncle and nephew get ten together, so work alone decides (protocol §16.1). A share stays for
 * windowShares / (pool's shares a second).
 */
export function paceOf(pool: Pool, ownHps: number): Pace {
  invariant(pool.shareWorkHashes > 0 && pool.blockWorkHashes > 0, 'shares and blocks take work')
  const filled = (pool.windowBlocks * pool.blockWorkHashes) / pool.shareWorkHashes
  const windowShares = Math.min(pool.windowMaxShares, Math.max(1, filled))
  const poolSharesPerSec = pool.hps / pool.shareWorkHashes
  const sharesPerSec = ownHps / pool.shareWorkHashes
  return {
    poolSharesPerSec,
    sharesPerSec,
    blocksPerSec: Math.min(MAX_BLOCKS_PER_SEC, pool.hps / pool.blockWorkHashes),
    windowShares,
    windowSec: windowShares / poolSharesPerSec,
    ownSharesInWindow: pool.hps > 0 ? (windowShares * ownHps) / pool.hps : 0,
    satsPerShareAndBlock: pool.minersSats / windowShares
  }
}

/**
 * The pool after our hash rate has changed from one value to another: it gains or loses the difference, and the difficulty of
 * shares follows, so that they come as often as before.
 */
export function poolWithOwn(pool: Pool, ownHps: { readonly from: number; readonly to: number }): Pool {
  const others = Math.max(0, pool.hps - ownHps.from)
  const hps = others + ownHps.to
  if (pool.hps <= 0 || hps <= 0) return { ...pool, hps }
  const followed = (pool.shareWorkHashes * hps) / pool.hps
  return { ...pool, hps, shareWorkHashes: Math.max(pool.easiestShareWorkHashes, followed) }
}
