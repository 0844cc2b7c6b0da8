import { HASHES_PER_DIFFICULTY } from '@p2poolv2/primitives'
import type { MinerSays, OperatorHints, SessionSettings, StartProfile } from '../contract.ts'
import { profileOf } from './difficulty.ts'

/**
 * A memory of a worker fits what its machine says if they differ by no more than this factor: the same machine, faster or slower
 * than its owner thinks. Beyond it another machine has the name now.
 */
const SAME_SIZE = 16

/** Where a connection starts. */
export interface DifficultyStart {
  readonly difficulty: number
  /** Nothing is known of the miner at all. */
  readonly isGuess: boolean
}

/** What a miner, its operator and its make say about difficulty. */
export class DifficultyHints {
  readonly #settings: SessionSettings
  #userAgent = ''
  #profile: StartProfile | null = null
  #operator: OperatorHints | null = null
  #minimum = 0
  #suggested: number | null = null
  #floor = 0
  #demandedFloor = 0

  constructor(settings: SessionSettings) {
    this.#settings = settings
    this.#settle()
  }

  get says(): MinerSays {
    return { userAgent: this.#userAgent, operator: this.#operator }
  }

  setUserAgent(userAgent: string): void {
    this.#userAgent = userAgent
    this.#profile = profileOf(userAgent, this.#settings.startProfiles)
    this.#settle()
  }

  setOperator(hints: OperatorHints): void {
    this.#operator = hints
    this.#settle()
  }

  /** The least that the miner itself can work with. */
  setMinimum(difficulty: number): void {
    this.#minimum = difficulty
    this.#settle()
  }

  /** What the miner would like. */
  suggest(difficulty: number): void {
    this.#suggested = difficulty
    this.#settle()
  }

  get suggested(): number | null {
    return this.#suggested
  }

  /** The least anybody wants; 0 if nobody cares. */
  get floor(): number {
    return this.#floor
  }

  /** The least that somebody set, or was promised: it holds whatever shares are lost by it. 0 if nobody did. */
  get demandedFloor(): number {
    return this.#demandedFloor
  }

  /**
   * Where to start: with what is said of the machine now; with what is remembered of its name where nothing is said, or where
   * that is about the same.
   * @param last what a worker of this name had that said the same of itself, or null
   */
  start(last: number | null): DifficultyStart {
    const { vardiff } = this.#settings
    const terahashes = this.#operator?.terahashes ?? null
    const byHashrate =
      terahashes === null ? null : (terahashes * 1e12) / (vardiff.targetSharesPerSec * HASHES_PER_DIFFICULTY)
    const set = this.#operator?.difficulty ?? null
    if (set !== null) return { difficulty: set, isGuess: false }
    const said = byHashrate ?? this.#suggested
    if (last !== null && (said === null || isSameSize(last, said))) return { difficulty: last, isGuess: false }
    const known = said ?? this.#profile?.startDifficulty ?? null
    return { difficulty: known ?? vardiff.startDifficulty, isGuess: known === null && this.#profile === null }
  }

  #settle(): void {
    const profile = this.#profile
    this.#demandedFloor = Math.max(
      this.#settings.vardiff.setMinimum ?? 0,
      this.#operator?.difficulty ?? 0,
      this.#operator?.minimumDifficulty ?? 0,
      this.#minimum,
      profile?.isFloorDemanded === true ? (profile.floorDifficulty ?? 0) : 0
    )
    this.#floor = Math.max(this.#demandedFloor, this.#suggested ?? 0, profile?.floorDifficulty ?? 0)
  }
}

function isSameSize(a: number, b: number): boolean {
  return Math.max(a, b) <= SAME_SIZE * Math.min(a, b)
}
