import { invariant, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { DifficultyLimits, VardiffOptions } from '../contract.ts'
import { DecayedRate } from './decayed-rate.ts'
import { roundedDown, sendable } from './difficulty.ts'

/** How often the owner calls `tick`. */
export const VARDIFF_TICK_MS = 30_000

/** This many shares in under 15 s are a flood: the difficulty jumps to what they tell, however far that is. */
const FLOOD_SHARES = 144
const FLOOD_SEC = 15
/** Shares of one read have no time between them; a flood is taken to have lasted at least this long. */
const MIN_FLOOD_SEC = 0.25
/** Enough shares to judge by, once it is no flood. */
const WINDOW_SHARES = 72
/** 72 shares within this time are at least twice the usual rate, which the short average follows faster. */
const SHORT_WINDOW_SEC = 120
const LONG_WINDOW_SEC = 240
/** Largest factor of one step, up or down, unless in a flood. */
const MAX_STEP = 8
/** Within these bounds of the ideal a difficulty is left alone: 0.5 to 1.33 times the wanted rate. */
const LOWEST_KEPT = 0.5
const HIGHEST_KEPT = 4 / 3
/** Without a share for so long, or six expected intervals, a quarter of the difficulty is asked. */
const SILENCE_STEP = 4
const SILENCE_MS = 120_000
const SILENCE_INTERVALS = 6
/** Who never sent a share and of whom nothing is known is not waited for: at 1024 most of what is not an ASIC is lost. */
const GUESS_SILENCE_MS = 30_000
const GUESS_STEP = 8
/** More submits per second than this from one miner cost more than the shares that would be lost. */
const MAX_SUBMITS_PER_SEC = 2
/** The guard against that looks at no fewer shares. */
const GUARD_SHARES = 16
/** Room left below the share chain's difficulty, so that its small steps do not each need a set_difficulty. */
const HEADROOM = 7 / 8

/** The least to ask; 0 for none. */
export interface Floors {
  /** Within the limits. */
  readonly floor: number
  /** Somebody set it, or was promised it: beyond the limits as well, although shares are lost by it. At most `floor`. */
  readonly demandedFloor: number
}

export interface VardiffStart extends Floors {
  readonly difficulty: number
  /** Nothing is known of the miner; see `tick`. */
  readonly isGuess: boolean
  readonly limits: DifficultyLimits
  readonly nowMs: SteadyMs
}

/**
 * One miner's difficulty: about so many shares per second, never so difficult that shares of the share chain or
 * blocks would go unreported. Floats are fine here, nothing of it is consensus. Source: stratum §4.7.
 */
export class Vardiff {
  readonly #options: VardiffOptions
  readonly #perMinute: DecayedRate
  readonly #perFiveMinutes: DecayedRate
  #limits: DifficultyLimits
  /** What the miner or its operator set as the least. */
  #floor: number
  #demandedFloor: number
  readonly #isGuess: boolean
  #difficulty: number
  /** Where the difficulty would be without limits. */
  #wanted: number
  #shares = 0
  #windowStartMs: SteadyMs
  #windowShares = 0
  #windowDifficulty = 0
  /** Last share, last change for want of shares, or start. */
  #silentSinceMs: SteadyMs

  /** @param start where to begin, unless options, floor or limits forbid */
  constructor(options: VardiffOptions, start: VardiffStart) {
    this.#options = options
    this.#floor = start.floor
    this.#demandedFloor = start.demandedFloor
    this.#isGuess = start.isGuess
    this.#limits = start.limits
    this.#perMinute = new DecayedRate(60, start.nowMs)
    this.#perFiveMinutes = new DecayedRate(300, start.nowMs)
    this.#windowStartMs = start.nowMs
    this.#silentSinceMs = start.nowMs
    this.#wanted = start.difficulty
    this.#difficulty = start.difficulty
    this.ask(start.difficulty, start.nowMs)
  }

  /** What to ask of the miner now: positive, few digits. */
  get difficulty(): number {
    return this.#difficulty
  }

  /** The highest difficulty at which no share and no block goes unreported. */
  get useful(): number {
    return Math.min(this.#limits.bitcoinDifficulty, this.#limits.shareDifficulty ?? Number.POSITIVE_INFINITY)
  }

  /** Accepted difficulty per second over about five minutes. */
  rate(nowMs: SteadyMs): number {
    return this.#perFiveMinutes.perSec(nowMs)
  }

  /** Sets the difficulty to what was asked for, as far as the bounds allow. */
  ask(difficulty: number, nowMs: SteadyMs): void {
    this.#wanted = this.#inBounds(difficulty)
    const next = this.#withinLimits(this.#wanted, this.#guardRate(nowMs))
    const asked = sendable(this.#wanted)
    this.#set(next === this.#wanted && asked <= this.#limit() ? asked : this.#fewDigits(next), nowMs)
  }

  /** The least to ask from now on, options and limits permitting; a lower difficulty rises at once. */
  setFloor({ floor, demandedFloor }: Floors, nowMs: SteadyMs): void {
    this.#floor = floor
    this.#demandedFloor = demandedFloor
    if (this.#wanted < this.#inBounds(floor)) this.ask(floor, nowMs)
  }

  /** New limits count at once: a difficulty above them falls, one that they held down rises. */
  setLimits(limits: DifficultyLimits, nowMs: SteadyMs): void {
    this.#limits = limits
    this.#settle(this.#guardRate(nowMs), nowMs)
  }

  /** Counts an accepted share, with the difficulty it was checked against. */
  credit(difficulty: number, nowMs: SteadyMs): void {
    this.#shares += 1
    this.#silentSinceMs = nowMs
    if (this.#shares === 1) {
      // A rate is shares per time between shares: the first only starts the clock.
      this.#perMinute.add(0, nowMs)
      this.#perFiveMinutes.add(0, nowMs)
      this.#restart(nowMs)
      return
    }
    this.#perMinute.add(difficulty, nowMs)
    this.#perFiveMinutes.add(difficulty, nowMs)
    this.#windowShares += 1
    this.#windowDifficulty += difficulty
    this.#consider(nowMs)
  }

  /** To be called every `VARDIFF_TICK_MS` while the miner gets fresh work: lets the difficulty fall without shares. */
  tick(nowMs: SteadyMs): void {
    if (this.#shares > 0) {
      this.#perMinute.add(0, nowMs)
      this.#perFiveMinutes.add(0, nowMs)
      this.#consider(nowMs)
    }
    if (this.#options.retarget === 'off') return
    const isGuess = this.#isGuess && this.#shares === 0
    const silenceMs = Math.max(SILENCE_MS, (SILENCE_INTERVALS * 1000) / this.#options.targetSharesPerSec)
    if (nowMs - this.#silentSinceMs < (isGuess ? GUESS_SILENCE_MS : silenceMs)) return
    this.#silentSinceMs = steadyMs(nowMs)
    this.#wanted = this.#inBounds(this.#difficulty / (isGuess ? GUESS_STEP : SILENCE_STEP))
    if (this.#wanted < this.#difficulty) this.#set(this.#fewDigits(this.#withinLimits(this.#wanted, 0)), nowMs)
  }

  checkInvariants(nowMs: SteadyMs): void {
    invariant(this.#difficulty > 0 && Number.isFinite(this.#difficulty), 'a difficulty is positive and finite')
    invariant(this.rate(nowMs) >= 0, 'a rate is not negative')
    if (this.#options.retarget === 'on' && this.#shares >= GUARD_SHARES) return
    invariant(this.#difficulty <= this.#limit(), 'without a measured flood no difficulty is above its limits')
  }

  #consider(nowMs: SteadyMs): void {
    if (this.#options.retarget === 'off') return
    const elapsedSec = (nowMs - this.#windowStartMs) / 1000
    if (elapsedSec < FLOOD_SEC) {
      if (this.#windowShares < FLOOD_SHARES) return
      const rate = this.#windowDifficulty / Math.max(elapsedSec, MIN_FLOOD_SEC)
      this.#retarget(rate, rate / this.#options.targetSharesPerSec, nowMs)
    } else if (this.#windowShares >= WINDOW_SHARES) {
      const average = elapsedSec < SHORT_WINDOW_SEC ? this.#perMinute : this.#perFiveMinutes
      this.#retargetByStep(average.perSec(nowMs), nowMs)
    } else if (elapsedSec >= LONG_WINDOW_SEC) {
      this.#retargetByStep(this.#perFiveMinutes.perSec(nowMs), nowMs)
    }
  }

  #retargetByStep(rate: number, nowMs: SteadyMs): void {
    const ideal = rate / this.#options.targetSharesPerSec
    const step = Math.min(Math.max(ideal, this.#difficulty / MAX_STEP), this.#difficulty * MAX_STEP)
    this.#retarget(rate, step, nowMs)
  }

  #retarget(rate: number, ideal: number, nowMs: SteadyMs): void {
    this.#wanted = this.#inBounds(ideal)
    this.#settle(rate, nowMs)
    this.#restart(nowMs)
  }

  /** Moves to where wishes and limits point, unless the difficulty is near enough and allowed. */
  #settle(rate: number, nowMs: SteadyMs): void {
    const next = this.#withinLimits(this.#wanted, rate)
    const limit = this.#limit()
    const mustFall = this.#difficulty > limit && this.#guard(rate) <= limit
    const ratio = next / this.#difficulty
    if (mustFall || ratio <= LOWEST_KEPT || ratio >= HIGHEST_KEPT) this.#set(this.#fewDigits(next), nowMs)
  }

  #set(difficulty: number, nowMs: SteadyMs): void {
    if (difficulty === this.#difficulty) return
    this.#difficulty = difficulty
    this.#restart(nowMs)
  }

  /** Rounded down, but not below the floor if the difficulty is not. */
  #fewDigits(difficulty: number): number {
    const least = sendable(this.#inBounds(0))
    return least <= difficulty ? Math.max(roundedDown(difficulty), least) : roundedDown(difficulty)
  }

  #restart(nowMs: SteadyMs): void {
    this.#windowStartMs = nowMs
    this.#windowShares = 0
    this.#windowDifficulty = 0
  }

  #inBounds(difficulty: number): number {
    const { minDifficulty, maxDifficulty } = this.#options
    return Math.min(Math.max(difficulty, this.#floor, minDifficulty), maxDifficulty)
  }

  /** What is asked whatever is useful. */
  get #demanded(): number {
    return Math.min(this.#demandedFloor, this.#options.maxDifficulty)
  }

  /** The highest difficulty to ask for: what is useful, unless somebody demands more. */
  #limit(): number {
    return Math.max(this.useful, this.#demanded)
  }

  #withinLimits(difficulty: number, rate: number): number {
    const limit = this.#limit()
    if (difficulty <= limit) return difficulty
    return Math.min(difficulty, Math.max(this.useful * HEADROOM, this.#demanded, this.#guard(rate)))
  }

  /** The least difficulty that keeps submits bearable at this rate; 0 while too few shares tell. */
  #guard(rate: number): number {
    return this.#shares < GUARD_SHARES ? 0 : rate / MAX_SUBMITS_PER_SEC
  }

  /** What is known of the rate at a moment that no window chose. */
  #guardRate(nowMs: SteadyMs): number {
    return this.#options.retarget === 'off' ? 0 : this.#perMinute.perSec(nowMs)
  }
}
