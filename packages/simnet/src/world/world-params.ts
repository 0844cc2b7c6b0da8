import { type ChainParams, devnetParams } from '@p2poolv2/consensus'
import { bitsFromBigInt, type CompactBits, type UnixMs, unixMs } from '@p2poolv2/primitives'

/** When virtual time begins: some day in 2027. */
export const START_MS: UnixMs = unixMs(1_800_000_000_000)

/** Hashes a share takes when the whole hashrate is there: few enough to be mined for real. */
export const HASHES_PER_SHARE = 64
/** The easiest share: what is left when a small part of the network is on its own. */
const EASIEST_HASHES = 4n
export const PRODUCTION_SPACING_SEC = 10
/** One share in so many is a bitcoin block. */
const SHARES_PER_BLOCK = 30
/** With the numbers above the payout window is about 300 shares. */
const WINDOW_MULTIPLIER = 10n

function bitsOf(hashes: bigint): CompactBits {
  return bitsFromBigInt(2n ** 256n / hashes - 1n)
}

/** Production's spacing and half-life with easy targets: other numbers, the same rules. */
export function simParams(spacingSec: number = PRODUCTION_SPACING_SEC): ChainParams {
  return devnetParams({
    genesisTimeSec: START_MS / 1_000,
    spacingSec,
    halfLifeSec: spacingSec * 60,
    anchorBits: bitsOf(BigInt(HASHES_PER_SHARE)),
    maxTargetBits: bitsOf(EASIEST_HASHES),
    difficultyMultiplier: WINDOW_MULTIPLIER
  })
}

/** The bitcoin difficulty to it. @param sharesPerBlock one share in so many is a block */
export function simBitcoinBits(sharesPerBlock: number = SHARES_PER_BLOCK): CompactBits {
  return bitsOf(BigInt(HASHES_PER_SHARE * sharesPerBlock))
}

/** Hashes a second at which shares come at the chain's spacing from the first one on. */
export function totalHashrate(params: ChainParams): number {
  return HASHES_PER_SHARE / params.spacingSec
}
