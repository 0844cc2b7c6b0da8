import { difficultyOfHash, hexToBytes } from '@p2poolv2/primitives'
import type { SessionSettings, StartProfile } from '../contract.ts'
import { HASHES_PER_DIFFICULTY, profileOf } from '../mining/difficulty.ts'
import { type PasswordHints, positiveNumber } from './password.ts'

/** What a miner, its operator and its make say about difficulty. */
export class DifficultyHints {
  readonly #settings: SessionSettings
  #profile: StartProfile | null = null
  #password: PasswordHints | null = null
  #minimum = 0
  #suggested: number | null = null

  constructor(settings: SessionSettings) {
    this.#settings = settings
  }

  setUserAgent(userAgent: string): void {
    this.#profile = profileOf(userAgent, this.#settings.startProfiles)
  }

  setPassword(hints: PasswordHints): void {
    this.#password = hints
  }

  /** From `mining.configure`. */
  setMinimum(difficulty: number): void {
    this.#minimum = difficulty
  }

  /** From `mining.suggest_difficulty`. @returns false for the same again: a NerdMiner repeats itself every 30 s */
  suggest(difficulty: number): boolean {
    if (difficulty === this.#suggested) return false
    this.#suggested = difficulty
    return true
  }

  get suggested(): number | null {
    return this.#suggested
  }

  /** The least anybody wants; 0 if nobody cares. */
  get floor(): number {
    return Math.max(
      this.#password?.difficulty ?? 0,
      this.#password?.minimumDifficulty ?? 0,
      this.#minimum,
      this.#suggested ?? 0,
      this.#profile?.floorDifficulty ?? 0
    )
  }

  /** Where to start. @param last what this worker had when last seen, or null */
  start(last: number | null): number {
    const { vardiff } = this.#settings
    const terahashes = this.#password?.terahashes ?? null
    const byHashrate =
      terahashes === null ? null : (terahashes * 1e12) / (vardiff.targetSharesPerSec * HASHES_PER_DIFFICULTY)
    return (
      this.#password?.difficulty ??
      last ??
      byHashrate ??
      this.#suggested ??
      this.#profile?.startDifficulty ??
      vardiff.startDifficulty
    )
  }
}

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
