import { seededRng, steadyMs } from '@p2poolv2/primitives'
import type { DifficultyLimits, VardiffOptions } from '../contract.ts'
import { DEFAULT_VARDIFF } from '../mining/difficulty.ts'
import { VARDIFF_TICK_MS, Vardiff } from '../mining/vardiff.ts'

export interface SimulatedMinerOptions {
  readonly seed: string
  readonly startDifficulty: number
  readonly floor?: number
  readonly demandedFloor?: number
  readonly isGuess?: boolean
  readonly limits?: DifficultyLimits
  readonly vardiff?: Partial<VardiffOptions>
}

export interface DifficultyChange {
  readonly atSec: number
  readonly difficulty: number
}

/** Shares as chance gives them at a hash rate, fed to a vardiff under virtual time. */
export class SimulatedMiner {
  readonly vardiff: Vardiff
  readonly changes: DifficultyChange[] = []
  nowMs = 0
  /** Accepted since the last call of `mine`. */
  shares = 0
  readonly #rng
  #tickAtMs = VARDIFF_TICK_MS

  constructor(options: SimulatedMinerOptions) {
    this.#rng = seededRng(options.seed)
    this.vardiff = new Vardiff(
      { ...DEFAULT_VARDIFF, ...options.vardiff },
      {
        difficulty: options.startDifficulty,
        isGuess: options.isGuess ?? false,
        floor: options.floor ?? options.demandedFloor ?? 0,
        demandedFloor: options.demandedFloor ?? 0,
        limits: options.limits ?? { shareDifficulty: null, bitcoinDifficulty: 1e15 },
        nowMs: steadyMs(0)
      }
    )
  }

  /** Mines for so long at so many hashes per second. @returns shares per second */
  mine(hashrateHps: number, seconds: number): number {
    const endMs = this.nowMs + seconds * 1000
    this.shares = 0
    while (this.nowMs < endMs) {
      const { difficulty } = this.vardiff
      const chance = (this.#rng.u32() + 1) / 2 ** 32
      const waitMs =
        hashrateHps === 0 ? Number.POSITIVE_INFINITY : (-Math.log(chance) * difficulty * 2 ** 32 * 1000) / hashrateHps
      // Finding shares has no memory, so a wait cut short by a tick may begin anew.
      const nextMs = Math.min(this.nowMs + waitMs, this.#tickAtMs, endMs)
      const isShare = nextMs === this.nowMs + waitMs
      this.nowMs = nextMs
      const at = steadyMs(Math.floor(nextMs))
      if (isShare) {
        this.vardiff.credit(difficulty, at)
        this.shares += 1
      } else if (nextMs === this.#tickAtMs) {
        this.vardiff.tick(at)
        this.#tickAtMs += VARDIFF_TICK_MS
      }
      if (this.vardiff.difficulty !== difficulty) {
        this.changes.push({ atSec: Math.round(nextMs / 1000), difficulty: this.vardiff.difficulty })
      }
      this.vardiff.checkInvariants(at)
    }
    return this.shares / seconds
  }
}
