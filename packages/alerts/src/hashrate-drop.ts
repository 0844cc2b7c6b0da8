import type { SteadyMs } from '@p2poolv2/primitives'
import { Incident } from './incident.ts'
import type { Sight } from './sight.ts'

/** A quarter of an hour's average has to be low for so long, and well again for so long. */
const LASTS_MS = 600_000
const CALM_MS = 600_000
/** Averages of a node that has just started say nothing yet. */
const SETTLED_MS = 3_600_000
/** What has been so for a day is how it is. */
const ACCEPTED_MS = 86_400_000

/** How the hash rate of all miners turned. */
export interface DropTurn {
  readonly turn: 'begins' | 'ends' | 'accepted'
  /** Hashes a second: now, and what it is compared with. */
  readonly nowHps: number
  readonly beforeHps: number
}

/** Compares the last quarter of an hour with the day before; while it is low, with the day before it fell. */
export class HashrateDrop {
  readonly #dropPart: number
  readonly #incident: Incident
  #sinceMs: SteadyMs | null = null
  #beforeHps = 0
  #fellAtMs: SteadyMs | null = null
  /** What has become usual, while the day's average still remembers more. */
  #acceptedHps = Number.POSITIVE_INFINITY

  /**
   * @param dropPart of the usual rate that has to be missing, between 0 and 1
   * @param stoodHps what it was compared with when it was told before this start; null: it was not
   */
  constructor(dropPart: number, stoodHps: number | null = null) {
    this.#dropPart = dropPart
    this.#incident = new Incident({ afterMs: LASTS_MS, calmMs: CALM_MS }, stoodHps !== null)
    this.#beforeHps = stoodHps ?? 0
  }

  /** What it is compared with while it is low; else null. */
  get standsHps(): number | null {
    return this.#incident.isOpen ? this.#beforeHps : null
  }

  get isOpen(): boolean {
    return this.#incident.isOpen
  }

  look({ m15, d1 }: Sight['hashrate'], nowMs: SteadyMs): DropTurn | null {
    if (this.#sinceMs === null && this.#incident.isOpen) this.#fellAtMs = nowMs
    this.#sinceMs ??= nowMs
    if (nowMs - this.#sinceMs < SETTLED_MS) return null
    if (!this.#incident.isOpen) this.#beforeHps = Math.min(d1, this.#acceptedHps)
    // The day's average has come down to it, or the rate has risen again.
    if (d1 <= this.#acceptedHps || m15 > this.#acceptedHps * (1 + this.#dropPart))
      this.#acceptedHps = Number.POSITIVE_INFINITY
    const isOld = this.#fellAtMs !== null && nowMs - this.#fellAtMs >= ACCEPTED_MS
    if (isOld) this.#beforeHps = m15
    // Half the gap has to be closed again, so that a rate at the threshold does not come and go.
    const missing = this.#incident.isOpen ? this.#dropPart / 2 : this.#dropPart
    const isLow = this.#beforeHps > 0 && m15 < this.#beforeHps * (1 - missing)
    const turn = this.#incident.look(isLow, nowMs)
    if (turn === null) return null
    this.#fellAtMs = turn === 'begins' ? nowMs : null
    if (turn === 'ends' && isOld) this.#acceptedHps = m15
    return { turn: turn === 'ends' && isOld ? 'accepted' : turn, nowHps: m15, beforeHps: this.#beforeHps }
  }
}
