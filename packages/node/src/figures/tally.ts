import type { Moment, SteadyMs, UnixMs } from '@p2poolv2/primitives'
import { unixMs } from '@p2poolv2/primitives'
import type { Hashrates } from './hashrate.ts'
import { HASHRATE_WINDOWS_SEC, HashrateMeter } from './hashrate.ts'

/** Reasons counted apart. There are some twenty; what a later protocol adds beyond the cap is `other`. */
const MAX_REASONS = 32
const OTHER = 'other'

/** What was mined, by one worker or by all. Difficulties are relative to bitcoin's difficulty 1. */
export interface MinedFigures {
  readonly accepted: number
  readonly rejected: number
  /** By the words that the miner was told. */
  readonly rejectedByReason: Readonly<Record<string, number>>
  readonly creditedDifficulty: number
  readonly bestDifficulty: number
  /** Hashes that met bitcoin's target. */
  readonly blocksFound: number
  /** By the wall clock. */
  readonly lastAcceptedAtMs: UnixMs | null
  readonly hashrates: Hashrates
}

/** Of an accepted submit: what it is worth, and what its hash reaches. */
export interface AcceptedDifficulties {
  readonly creditedDifficulty: number
  readonly hashDifficulty: number
}

/** The counts of one worker, or of all. */
export class Tally {
  connections = 0
  #accepted = 0
  #rejected = 0
  readonly #rejectedByReason = new Map<string, number>()
  #creditedDifficulty = 0
  #bestDifficulty = 0
  #blocksFound = 0
  /** 0: never. */
  #lastAcceptedAtMs = 0
  readonly #meter: HashrateMeter

  constructor(startedAtMs: SteadyMs) {
    this.#meter = new HashrateMeter({ startedAtMs })
  }

  /** Whether anything of it was ever accepted. */
  get hasWorked(): boolean {
    return this.#accepted > 0
  }

  accept({ creditedDifficulty, hashDifficulty }: AcceptedDifficulties, now: Moment): void {
    this.#accepted += 1
    this.#creditedDifficulty += creditedDifficulty
    this.#bestDifficulty = Math.max(this.#bestDifficulty, hashDifficulty)
    this.#lastAcceptedAtMs = now.wallMs
    this.#meter.credit(creditedDifficulty, now.steadyMs)
  }

  reject(reason: string): void {
    this.#rejected += 1
    const counted = this.#rejectedByReason.has(reason) || this.#rejectedByReason.size < MAX_REASONS ? reason : OTHER
    this.#rejectedByReason.set(counted, (this.#rejectedByReason.get(counted) ?? 0) + 1)
  }

  foundBlock(): void {
    this.#blocksFound += 1
  }

  figures(nowMs: SteadyMs): MinedFigures & { readonly connections: number } {
    return {
      accepted: this.#accepted,
      rejected: this.#rejected,
      rejectedByReason: Object.fromEntries(this.#rejectedByReason),
      creditedDifficulty: this.#creditedDifficulty,
      bestDifficulty: this.#bestDifficulty,
      blocksFound: this.#blocksFound,
      lastAcceptedAtMs: this.#lastAcceptedAtMs === 0 ? null : unixMs(this.#lastAcceptedAtMs),
      connections: this.connections,
      hashrates: this.#meter.rates(nowMs)
    }
  }

  /** As one line of JSON, from which `restore` makes the same figures. */
  text(now: Moment): string {
    const { observedMs, sums } = this.#meter.record(now.steadyMs)
    return JSON.stringify({
      at: now.wallMs,
      accepted: this.#accepted,
      rejected: [...this.#rejectedByReason],
      credited: this.#creditedDifficulty,
      best: this.#bestDifficulty,
      blocks: this.#blocksFound,
      last: this.#lastAcceptedAtMs === 0 ? null : this.#lastAcceptedAtMs,
      observedMs,
      sums
    })
  }

  /** @returns when the text was made; null, with nothing taken up, if it is none */
  restore(text: string, now: Moment): UnixMs | null {
    const kept = keptTally(text)
    if (kept === null) return null
    this.#accepted = kept.accepted
    this.#rejectedByReason.clear()
    for (const [reason, count] of kept.rejected) this.#rejectedByReason.set(reason, count)
    this.#rejected = kept.rejected.reduce((sum, [, count]) => sum + count, 0)
    this.#creditedDifficulty = kept.credited
    this.#bestDifficulty = kept.best
    this.#blocksFound = kept.blocks
    this.#lastAcceptedAtMs = kept.last ?? 0
    // Of a wall clock that was set back since: no time has passed.
    this.#meter.restore(kept, Math.max(0, now.wallMs - kept.at), now.steadyMs)
    return unixMs(kept.at)
  }
}

interface KeptTally {
  readonly at: number
  readonly accepted: number
  readonly rejected: readonly (readonly [string, number])[]
  readonly credited: number
  readonly best: number
  readonly blocks: number
  readonly last: number | null
  readonly observedMs: number
  readonly sums: readonly number[]
}

const WINDOWS = Object.keys(HASHRATE_WINDOWS_SEC).length

function keptTally(text: string): KeptTally | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const kept = value as Readonly<Record<keyof KeptTally, unknown>>
  const { at, accepted, rejected, credited, best, blocks, last, observedMs, sums } = kept
  const isKept =
    [at, accepted, blocks, observedMs].every(isCount) &&
    [credited, best].every(isAmount) &&
    (last === null || isCount(last)) &&
    Array.isArray(sums) &&
    sums.length === WINDOWS &&
    sums.every(isAmount) &&
    Array.isArray(rejected) &&
    rejected.length <= MAX_REASONS + 1 &&
    rejected.every(pair => Array.isArray(pair) && typeof pair[0] === 'string' && isCount(pair[1]))
  return isKept ? (value as KeptTally) : null
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
