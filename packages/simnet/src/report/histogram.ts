/** Values up to this are counted one by one, larger ones together. */
const MAX_VALUE = 120_000

/** Counts of small whole numbers: exact percentiles in constant memory. */
export class Histogram {
  readonly #counts = new Uint32Array(MAX_VALUE + 1)
  #total = 0
  #highest = 0

  get total(): number {
    return this.#total
  }

  get highest(): number {
    return this.#highest
  }

  /** @param value rounded to a whole number from 0 to `MAX_VALUE` */
  add(value: number): void {
    const whole = Math.min(MAX_VALUE, Math.max(0, Math.round(value)))
    this.#counts[whole] = (this.#counts[whole] ?? 0) + 1
    this.#total += 1
    this.#highest = Math.max(this.#highest, whole)
  }

  /** The smallest value that `part` (0 to 1) of all values do not exceed; null when there are none. */
  percentile(part: number): number | null {
    if (this.#total === 0) return null
    let below = 0
    for (let value = 0; value <= this.#highest; value++) {
      below += this.#counts[value] ?? 0
      if (below >= part * this.#total) return value
    }
    return this.#highest
  }

  /** Values that occurred with how often, ascending. */
  counts(): [value: number, count: number][] {
    const found: [number, number][] = []
    for (let value = 0; value <= this.#highest; value++) {
      const count = this.#counts[value] ?? 0
      if (count > 0) found.push([value, count])
    }
    return found
  }
}
