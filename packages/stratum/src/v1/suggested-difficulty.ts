import { difficultyOfHash, hexToBytes } from '@p2poolv2/primitives'
import { positiveNumber } from '../mining/miner-hints.ts'

/**
 * The difficulty in the parameters of `mining.suggest_difficulty`: the first number in them, or they themselves,
 * as a number or its text; null if there is none.
 */
export function suggestedDifficulty(params: unknown): number | null {
  if (!Array.isArray(params)) return positiveNumber(params)
  for (const value of params as unknown[]) {
    const difficulty = positiveNumber(value)
    if (difficulty !== null) return difficulty
  }
  return null
}

/** The difficulty of `mining.suggest_target`: 64 hex digits, display order; null for anything else or zero. */
export function difficultyOfSuggestedTarget(params: unknown): number | null {
  const target: unknown = Array.isArray(params) ? params[0] : params
  if (typeof target !== 'string' || !/^[0-9a-f]{64}$/i.test(target)) return null
  const difficulty = difficultyOfHash(hexToBytes(target).reverse())
  return Number.isFinite(difficulty) ? difficulty : null
}
