import type { SteadyMs } from '@p2poolv2/primitives'
import { HASHES_PER_DIFFICULTY } from '@p2poolv2/primitives'
import type { DifficultyLimits, MinerSays, OperatorHints, SessionSettings } from '../contract.ts'
import { DifficultyHints } from './difficulty-hints.ts'
import { VARDIFF_TICK_MS, Vardiff } from './vardiff.ts'

/** At most one suggestion per this time changes the difficulty; the last one said in it is taken up at its end. */
const SUGGESTION_EVERY_MS = 10_000
/** A suggestion nearer than this to what the miner has changes nothing. */
const SAME_DIFFICULTY = 0.01
/** Without work for this long no miner can be blamed for being silent. */
const SERVED_WITHIN_MS = 90_000

/** The difficulty of one connection: hints until its first work, then vardiff with further hints. */
export class DifficultyControl {
  readonly #settings: SessionSettings
  readonly #hints: DifficultyHints
  /** From the first work on. */
  #vardiff: Vardiff | null = null
  #tickAtMs = 0
  #suggestionTakenAtMs = Number.NEGATIVE_INFINITY
  #isSuggestionPending = false
  /** The suggestion that was last acted on: said again it is nothing, since a NerdMiner repeats itself every 30 s. */
  #takenSuggestion: number | null = null

  constructor(settings: SessionSettings) {
    this.#settings = settings
    this.#hints = new DifficultyHints(settings)
  }

  /** What to ask of the miner; before its first work what is asked of anybody. */
  get difficulty(): number {
    return this.#vardiff?.difficulty ?? this.#settings.vardiff.startDifficulty
  }

  get says(): MinerSays {
    return this.#hints.says
  }

  /** How a wish and what is useful disagree, or null. `isGranted`: somebody set it. */
  get conflict(): { readonly wanted: number; readonly useful: number; readonly isGranted: boolean } | null {
    const vardiff = this.#vardiff
    if (vardiff === null) return null
    const { floor, demandedFloor } = this.#hints
    const { useful } = vardiff
    if (floor <= useful) return null
    if (demandedFloor > useful) return { wanted: demandedFloor, useful, isGranted: true }
    return { wanted: floor, useful, isGranted: false }
  }

  get isStarted(): boolean {
    return this.#vardiff !== null
  }

  get nextDeadlineMs(): number | null {
    if (this.#vardiff === null) return null
    return this.#isSuggestionPending
      ? Math.min(this.#tickAtMs, this.#suggestionTakenAtMs + SUGGESTION_EVERY_MS)
      : this.#tickAtMs
  }

  hashrateHps(nowMs: SteadyMs): number {
    return (this.#vardiff?.rate(nowMs) ?? 0) * HASHES_PER_DIFFICULTY
  }

  setUserAgent(userAgent: string): void {
    this.#hints.setUserAgent(userAgent)
  }

  setOperator(hints: OperatorHints): void {
    this.#hints.setOperator(hints)
  }

  /** The least the miner can work with; null is nothing said. */
  setMinimum(difficulty: number | null, nowMs: SteadyMs): void {
    if (difficulty === null) return
    this.#hints.setMinimum(difficulty)
    this.#vardiff?.setFloor(this.#floors, nowMs)
  }

  /** What the miner would like; null is nothing said. */
  suggest(difficulty: number | null, nowMs: SteadyMs): void {
    if (difficulty === null) return
    this.#hints.suggest(difficulty)
    if (this.#vardiff === null || difficulty === this.#takenSuggestion) return
    if (nowMs - this.#suggestionTakenAtMs < SUGGESTION_EVERY_MS) this.#isSuggestionPending = true
    else this.#takeSuggestion(this.#vardiff, nowMs)
  }

  /** @param last the worker's difficulty when last seen, or null */
  start(limits: DifficultyLimits, { last, nowMs }: { last: number | null; nowMs: SteadyMs }): void {
    const hints = this.#hints
    const { difficulty, isGuess } = hints.start(last)
    this.#vardiff = new Vardiff(this.#settings.vardiff, { difficulty, isGuess, ...this.#floors, limits, nowMs })
    this.#takenSuggestion = hints.suggested
    this.#tickAtMs = nowMs + VARDIFF_TICK_MS
  }

  setLimits(limits: DifficultyLimits, nowMs: SteadyMs): void {
    this.#vardiff?.setLimits(limits, nowMs)
  }

  credit(difficulty: number, nowMs: SteadyMs): void {
    this.#vardiff?.credit(difficulty, nowMs)
  }

  /** @param servedAtMs when the miner last got work */
  handleDeadline(nowMs: SteadyMs, servedAtMs: SteadyMs): void {
    const vardiff = this.#vardiff
    if (vardiff === null) return
    if (this.#isSuggestionPending && nowMs - this.#suggestionTakenAtMs >= SUGGESTION_EVERY_MS) {
      this.#takeSuggestion(vardiff, nowMs)
    }
    if (nowMs < this.#tickAtMs) return
    this.#tickAtMs = nowMs + VARDIFF_TICK_MS
    if (nowMs - servedAtMs < SERVED_WITHIN_MS) vardiff.tick(nowMs)
  }

  checkInvariants(nowMs: SteadyMs): void {
    this.#vardiff?.checkInvariants(nowMs)
  }

  get #floors(): { readonly floor: number; readonly demandedFloor: number } {
    const { floor, demandedFloor } = this.#hints
    return { floor, demandedFloor }
  }

  #takeSuggestion(vardiff: Vardiff, nowMs: SteadyMs): void {
    const before = vardiff.difficulty
    const suggested = this.#hints.suggested ?? before
    this.#isSuggestionPending = false
    this.#takenSuggestion = suggested
    vardiff.setFloor(this.#floors, nowMs)
    if (Math.abs(suggested - vardiff.difficulty) >= SAME_DIFFICULTY * vardiff.difficulty) vardiff.ask(suggested, nowMs)
    if (vardiff.difficulty !== before) this.#suggestionTakenAtMs = nowMs
  }
}
