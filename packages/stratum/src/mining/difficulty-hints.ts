import type { SessionSettings, StartProfile } from '../contract.ts'
import { HASHES_PER_DIFFICULTY, profileOf } from './difficulty.ts'

/** What a miner's operator has set; null where nothing is. */
export interface OperatorHints {
  /** Where to start, and never less. */
  readonly difficulty: number | null
  /** Never less. */
  readonly minimumDifficulty: number | null
  /** Hash rate in TH/s, from which to start. */
  readonly terahashes: number | null
}

/** What a miner, its operator and its make say about difficulty. */
export class DifficultyHints {
  readonly #settings: SessionSettings
  #profile: StartProfile | null = null
  #operator: OperatorHints | null = null
  #minimum = 0
  #suggested: number | null = null

  constructor(settings: SessionSettings) {
    this.#settings = settings
  }

  setUserAgent(userAgent: string): void {
    this.#profile = profileOf(userAgent, this.#settings.startProfiles)
  }

  setOperator(hints: OperatorHints): void {
    this.#operator = hints
  }

  /** The least that the miner itself can work with. */
  setMinimum(difficulty: number): void {
    this.#minimum = difficulty
  }

  /** What the miner would like. @returns false for the same again: a NerdMiner repeats itself every 30 s */
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
      this.#operator?.difficulty ?? 0,
      this.#operator?.minimumDifficulty ?? 0,
      this.#minimum,
      this.#suggested ?? 0,
      this.#profile?.floorDifficulty ?? 0
    )
  }

  /** Where to start. @param last what this worker had when last seen, or null */
  start(last: number | null): number {
    const { vardiff } = this.#settings
    const terahashes = this.#operator?.terahashes ?? null
    const byHashrate =
      terahashes === null ? null : (terahashes * 1e12) / (vardiff.targetSharesPerSec * HASHES_PER_DIFFICULTY)
    return (
      this.#operator?.difficulty ??
      last ??
      byHashrate ??
      this.#suggested ??
      this.#profile?.startDifficulty ??
      vardiff.startDifficulty
    )
  }
}
