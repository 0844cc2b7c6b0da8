import { bigIntFromTarget, type Target, targetFromBigInt, targetFromDifficulty } from '@p2poolv2/primitives'
import type { StartProfile, VardiffOptions } from '../contract.ts'

/** Chips of any age are far above a share a second at this: less is a mistake, and costs the node thousands of submits. */
const ASIC_FLOOR = 1

/**
 * Where to start with a miner of a known kind (stratum §4.6). A bitaxe's chips report nothing below 256; what NiceHash
 * rents out refuses less than 524,288.
 */
export const DEFAULT_START_PROFILES: readonly StartProfile[] = [
  { userAgentPrefix: 'nerdminer', startDifficulty: 0.0005, floorDifficulty: null },
  { userAgentPrefix: 'sparkminer', startDifficulty: 0.0005, floorDifficulty: null },
  { userAgentPrefix: 'cpuminer', startDifficulty: 0.01, floorDifficulty: null },
  { userAgentPrefix: 'bitaxe', startDifficulty: 512, floorDifficulty: 256 },
  { userAgentPrefix: 'nerdqaxe++', startDifficulty: 2048, floorDifficulty: 256 },
  { userAgentPrefix: 'nerdqaxe', startDifficulty: 512, floorDifficulty: 256 },
  { userAgentPrefix: 'nerdaxe', startDifficulty: 512, floorDifficulty: 256 },
  { userAgentPrefix: 'cgminer', startDifficulty: null, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'avalon', startDifficulty: 2048, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'bmminer', startDifficulty: 8192, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'antminer', startDifficulty: 65_536, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'whatsminer', startDifficulty: 65_536, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'bosminer', startDifficulty: 65_536, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'xminer', startDifficulty: 65_536, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'powerplay', startDifficulty: 65_536, floorDifficulty: ASIC_FLOOR },
  { userAgentPrefix: 'nicehash', startDifficulty: 524_288, floorDifficulty: 524_288, isFloorDemanded: true }
]

/** A share per 3.33 s and miner, whatever it is: from a microcontroller's 50 kH/s to a hall behind one proxy. */
export const DEFAULT_VARDIFF: VardiffOptions = {
  retarget: 'on',
  targetSharesPerSec: 0.3,
  minDifficulty: 0.0001,
  maxDifficulty: 1e12,
  startDifficulty: 1024
}

/** The profile whose prefix the user agent has, or null. */
export function profileOf(userAgent: string, profiles: readonly StartProfile[]): StartProfile | null {
  const lower = userAgent.toLowerCase()
  return profiles.find(profile => lower.startsWith(profile.userAgentPrefix.toLowerCase())) ?? null
}

/**
 * A difficulty of few digits, at most the given one: from 1 on a whole number of three significant digits, below 1 two
 * significant digits.
 * @param difficulty positive and finite
 */
export function roundedDown(difficulty: number): number {
  if (difficulty >= 1 && difficulty < 1000) return Math.floor(difficulty)
  const digits = difficulty < 1 ? 2 : 3
  const rounded = Number(difficulty.toPrecision(digits))
  if (rounded <= difficulty) return rounded
  const step = 10 ** (Math.floor(Math.log10(difficulty)) - digits + 1)
  return Number((rounded - step).toPrecision(digits))
}

/**
 * What somebody asked for, in a form firmware reads: from 1 on a whole number, below 1 at most six significant digits.
 * @param difficulty positive and finite
 */
export function sendable(difficulty: number): number {
  return difficulty >= 1 ? Math.round(difficulty) : Number(difficulty.toPrecision(6))
}

/**
 * Decimal text without exponent, since part of the firmware stops reading at the `e` (stratum §2.8). Reading it back
 * gives the same number.
 * @param difficulty from `roundedDown` or `sendable`
 */
export function difficultyText(difficulty: number): string {
  if (difficulty >= 1) return BigInt(Math.round(difficulty)).toString()
  const [mantissa = '', exponent = ''] = difficulty.toExponential().split('e')
  return `0.${'0'.repeat(-Number(exponent) - 1)}${mantissa.replace('.', '')}`
}

/** One part in this many is given to the miner: firmware computes its targets in floating point (stratum §5.1). */
const TOLERANCE = 1_000_000_000n

const MAX_TARGET = (1n << 256n) - 1n

/**
 * What a share of this difficulty has to meet: its exact target and one part in 10^9 more.
 * @param difficulty positive and finite
 */
export function sessionTarget(difficulty: number): Target {
  const exact = bigIntFromTarget(targetFromDifficulty(difficulty))
  const lenient = exact + exact / TOLERANCE
  return targetFromBigInt(lenient > MAX_TARGET ? MAX_TARGET : lenient)
}
