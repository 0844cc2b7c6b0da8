import type { Height, SteadyMs, UnixSec } from '@p2poolv2/primitives'

/** How far a sync is, for people. */
export interface SyncProgress {
  /**
   * `comparing`: the headers of a peer’s chain are followed to see whether it is heavier; `fetching`: they are taken in; `checking`: the
   * shares themselves are fetched and judged.
   */
  readonly phase: 'comparing' | 'fetching' | 'checking'
  /**
   * Heights behind us and in all: of headers by the time of the newest one and the chain’s spacing, of shares those whose headers are
   * known.
   */
  readonly doneHeights: Height
  readonly totalHeights: Height
  /** Heights a second since the phase's first ones; null before there are others, and in its first second. */
  readonly heightsPerSec: number | null
  readonly secondsLeft: number | null
}

/** Below this a rate says nothing. */
const MIN_RATED_MS = 1_000

/** One phase of a session with one peer for its headers. */
export class HeaderMeter {
  #phase: 'comparing' | 'fetching' | null = null
  #from: { readonly height: Height; readonly atMs: SteadyMs } | null = null
  #height: Height = 0
  #timeSec = 0

  /** @param newest height and share time, unix seconds, of the newest header */
  moved(
    phase: 'comparing' | 'fetching',
    newest: { readonly height: Height; readonly timeSec: number },
    nowMs: SteadyMs
  ): void {
    if (this.#phase !== phase) this.#from = { height: newest.height, atMs: nowMs }
    this.#phase = phase
    this.#height = newest.height
    this.#timeSec = newest.timeSec
  }

  /** Null before the first headers. */
  read(spacingSec: number, now: { readonly steadyMs: SteadyMs; readonly wallSec: UnixSec }): SyncProgress | null {
    if (this.#phase === null || this.#from === null) return null
    const left = Math.max(0, Math.floor((now.wallSec - this.#timeSec) / spacingSec))
    return progress(this.#phase, { from: this.#from, height: this.#height, left, nowMs: now.steadyMs })
  }
}

/** How many of the shares that the heaviest headers name have been judged. */
export class ShareMeter {
  #from: { readonly height: Height; readonly atMs: SteadyMs } | null = null
  #hasRisen = false

  /** @param confirmed height of the chain of judged shares; null while nothing is being caught up with */
  moved(confirmed: Height | null, nowMs: SteadyMs): void {
    if (confirmed === null) {
      this.#from = null
    } else if (this.#from === null || confirmed < this.#from.height) {
      this.#from = { height: confirmed, atMs: nowMs }
      this.#hasRisen = false
    } else if (!this.#hasRisen) {
      // Until the first share it is waited for headers.
      this.#hasRisen = confirmed > this.#from.height
      this.#from = { height: this.#from.height, atMs: nowMs }
    }
  }

  /** Null while nothing is being caught up with. */
  read(tips: { readonly confirmed: Height; readonly candidate: Height }, nowMs: SteadyMs): SyncProgress | null {
    if (this.#from === null) return null
    const left = Math.max(0, tips.candidate - tips.confirmed)
    return progress('checking', { from: this.#from, height: tips.confirmed, left, nowMs })
  }
}

function progress(
  phase: SyncProgress['phase'],
  at: {
    readonly from: { readonly height: Height; readonly atMs: SteadyMs }
    readonly height: Height
    readonly left: number
    readonly nowMs: SteadyMs
  }
): SyncProgress {
  const elapsedMs = at.nowMs - at.from.atMs
  const heights = at.height - at.from.height
  const heightsPerSec = elapsedMs < MIN_RATED_MS || heights <= 0 ? null : (heights * 1_000) / elapsedMs
  return {
    phase,
    doneHeights: at.height,
    totalHeights: at.height + at.left,
    heightsPerSec,
    secondsLeft: heightsPerSec === null ? null : Math.ceil(at.left / heightsPerSec)
  }
}
