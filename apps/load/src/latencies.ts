/** Buckets to a doubling: a value is told to within 3 %. */
const STEPS = 32
const DOUBLINGS = 36

/** How often which time was measured, in a fixed amount of memory; two of them can be put together. */
export class Latencies {
  /** By `bucketOf`, microseconds. */
  readonly #counts: Float64Array
  #count = 0
  #maxUs = 0

  private constructor(counts: Float64Array) {
    this.#counts = counts
  }

  static empty(): Latencies {
    return new Latencies(new Float64Array(STEPS * DOUBLINGS))
  }

  static of(plain: PlainLatencies): Latencies {
    const latencies = new Latencies(plain.counts)
    latencies.#maxUs = plain.maxUs
    latencies.#count = plain.counts.reduce((sum, count) => sum + count, 0)
    return latencies
  }

  get count(): number {
    return this.#count
  }

  get maxUs(): number {
    return this.#maxUs
  }

  /** @param us not negative */
  add(us: number): void {
    const bucket = bucketOf(us)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count += 1
    if (us > this.#maxUs) this.#maxUs = us
  }

  addAll(other: Latencies): void {
    other.#counts.forEach((count, bucket) => {
      this.#counts[bucket] = (this.#counts[bucket] as number) + count
    })
    this.#count += other.#count
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs)
  }

  /** The time that this part of all measured does not exceed, to within a bucket; 0 when nothing was measured. */
  quantileUs(part: number): number {
    const rank = Math.ceil(part * this.#count)
    let passed = 0
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      passed += this.#counts[bucket] as number
      if (passed >= rank && passed > 0) return Math.min(upperEndUs(bucket), this.#maxUs)
    }
    return this.#maxUs
  }

  /** To be told to another process. */
  plain(): PlainLatencies {
    return { counts: this.#counts.slice(), maxUs: this.#maxUs }
  }
}

export interface PlainLatencies {
  readonly counts: Float64Array
  readonly maxUs: number
}

function bucketOf(us: number): number {
  if (us < 1) return 0
  return Math.min(Math.floor(Math.log2(us) * STEPS), STEPS * DOUBLINGS - 1)
}

function upperEndUs(bucket: number): number {
  return 2 ** ((bucket + 1) / STEPS)
}
