/** Pausing for longer would not save more, and keep a block waiting that stands behind a flood. */
export const MAX_PAUSE_MS = 1_000

export interface LineLimits {
  /** Lines that a connection may send for as long as it likes. */
  readonly linesPerSec: number
  /** Lines that it may send at once after having been quiet. */
  readonly burstLines: number
}

/**
 * How many lines one connection may send before it is read more slowly: an allowance that is used up by lines and grows
 * again with time. Times may come from any clock; one that steps back only delays the growth.
 */
export class LineBudget {
  readonly #limits: LineLimits
  #allowance: number
  #countedAtMs: number

  constructor(limits: LineLimits, nowMs: number) {
    this.#limits = limits
    this.#allowance = limits.burstLines
    this.#countedAtMs = nowMs
  }

  /**
   * Takes note of lines that were read.
   * @returns for how many milliseconds to read no more: 0 mostly. What a pause of `MAX_PAUSE_MS` does not make good is
   *   forgiven.
   */
  spend(lines: number, nowMs: number): number {
    const { linesPerSec, burstLines } = this.#limits
    const grown = (Math.max(0, nowMs - this.#countedAtMs) * linesPerSec) / 1000
    this.#countedAtMs = nowMs
    const left = Math.min(burstLines, this.#allowance + grown) - lines
    this.#allowance = Math.max(left, (-linesPerSec * MAX_PAUSE_MS) / 1000)
    return this.#allowance >= 0 ? 0 : Math.ceil((-this.#allowance * 1000) / linesPerSec)
  }
}
