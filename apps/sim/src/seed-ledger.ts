import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SeedResult } from './seed-run.ts'

/** What a run of many seeds has to remember, so that it can be gone on with: a line of JSON for each seed that was played. */
export class SeedLedger {
  readonly #file: string
  readonly #bySeed = new Map<number, SeedResult>()

  constructor(file: string) {
    this.#file = file
    if (!existsSync(file)) return
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const result = resultIn(line)
      if (result !== null) this.#bySeed.set(result.seed, result)
    }
  }

  /** A seed that broke is played again: it may have been mended. */
  isDone(seed: number): boolean {
    return this.#bySeed.get(seed)?.broken.length === 0
  }

  add(result: SeedResult): void {
    mkdirSync(dirname(this.#file), { recursive: true })
    appendFileSync(this.#file, `${JSON.stringify(result)}\n`)
    this.#bySeed.set(result.seed, result)
  }

  /** The newest result of each seed, by seed. */
  results(): SeedResult[] {
    return [...this.#bySeed.values()].sort((a, b) => a.seed - b.seed)
  }
}

/** Null for what is no result, as the line that was written when the power went. */
function resultIn(line: string): SeedResult | null {
  try {
    const result = JSON.parse(line) as SeedResult
    return Array.isArray(result.broken) ? result : null
  } catch {
    return null
  }
}
