import type { BitcoinHeader } from '@p2poolv2/bitcoin'
import { bigIntFromBits, bitsFromBigInt, type CompactBits } from '@p2poolv2/primitives'

/** How hard blocks are. Integers only, so that every computer agrees. */
export interface DifficultyRule {
  /** Seconds between blocks that the rule aims at. */
  readonly spacingSec: number
  /** For the first blocks. */
  readonly startBits: CompactBits
  /** Blocks never get easier than this, nor harder than `hardestBits`. */
  readonly easiestBits: CompactBits
  readonly hardestBits: CompactBits
  /** Blocks looked back at. */
  readonly windowBlocks: number
  /** A header this much later than its parent may have `easiestBits`: the fast miner has left, and slow ones go on. */
  readonly stallSec: number
}

/** Bits of a target that `hashes` attempts meet once on average. */
export function bitsFromHashes(hashes: bigint): CompactBits {
  return bitsFromBigInt(2n ** 256n / hashes)
}

/**
 * The first blocks are about 8 development shares of 65,536 hashes, so that two slow CPU miners see one within seconds;
 * the rule then leads to some 30 shares. At least 4, at most what a 9 TH/s machine does in the spacing.
 */
export const DEV_DIFFICULTY: DifficultyRule = {
  spacingSec: 30,
  startBits: bitsFromHashes(2n ** 19n),
  easiestBits: bitsFromHashes(2n ** 18n),
  hardestBits: bitsFromHashes(2n ** 48n),
  windowBlocks: 16,
  stallSec: 300
}

/**
 * Bits for the block after `ancestors`: the mean target of the last blocks, scaled by the time they took, no more than
 * twice or half the last one's.
 * @param ancestors headers oldest first, the parent last, the genesis block left out (its time is of 2011); only the last
 *   `windowBlocks + 1` count
 */
export function nextBits(rule: DifficultyRule, ancestors: readonly BitcoinHeader[]): CompactBits {
  const recent = ancestors.slice(-(rule.windowBlocks + 1))
  const [first, ...spaced] = recent
  const parent = spaced.at(-1)
  if (first === undefined || parent === undefined) return rule.startBits
  const count = BigInt(spaced.length)
  const tookSec = BigInt(Math.max(1, parent.timeSec - first.timeSec))
  const sumOfTargets = spaced.reduce((sum, header) => sum + bigIntFromBits(header.bits), 0n)
  const scaled = (sumOfTargets * tookSec) / (count * count * BigInt(rule.spacingSec))
  const last = bigIntFromBits(parent.bits)
  const damped = clamp(scaled, last / 2n, last * 2n)
  const easiest = bigIntFromBits(rule.easiestBits)
  return bitsFromBigInt(clamp(damped, bigIntFromBits(rule.hardestBits), easiest))
}

/** Whether a block with this time may be of the easiest kind. `parent` is null for the genesis block. */
export function isStalled(rule: DifficultyRule, parent: BitcoinHeader | null, timeSec: number): boolean {
  return parent !== null && timeSec > parent.timeSec + rule.stallSec
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  if (value < low) return low
  return value > high ? high : value
}
