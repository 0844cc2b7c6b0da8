import type { Height, SteadyMs, UnixSec } from '@p2poolv2/primitives'

/** How far header sync is, for people. */
export interface HeaderProgress {
  /** `comparing`: a peer’s chain is followed to see whether it is heavier; `fetching`: its headers are taken in. */
  readonly phase: 'comparing' | 'fetching'
  /** Heights behind us and, by the time of the newest header and the chain’s spacing, in all. */
  readonly doneHeights: Height
  readonly totalHeights: Height
  /** Heights a second since the phase's first answer; null before the second one. */
  readonly heightsPerSec: number | null
  readonly secondsLeft: number | null
}

/** Below this a rate says nothing. */
const MIN_RATED_MS = 1_000

/** One phase of a session with one peer. */
export class ProgressMeter {
  #phase: HeaderProgress['phase'] | null = null
  #from: { readonly height: Height; readonly atMs: SteadyMs } | null = null
  #height: Height = 0
  #timeSec = 0

  /** @param newest height and share time, unix seconds, of the newest header */
  moved(
    phase: HeaderProgress['phase'],
    newest: { readonly height: Height; readonly timeSec: number },
    nowMs: SteadyMs
  ): void {
    if (this.#phase !== phase) this.#from = { height: newest.height, atMs: nowMs }
    this.#phase = phase
    this.#height = newest.height
    this.#timeSec = newest.timeSec
  }

  /** Null before the first headers. */
  read(spacingSec: number, now: { readonly steadyMs: SteadyMs; readonly wallSec: UnixSec }): HeaderProgress | null {
    if (this.#phase === null || this.#from === null) return null
    const left = Math.max(0, Math.floor((now.wallSec - this.#timeSec) / spacingSec))
    const elapsedMs = now.steadyMs - this.#from.atMs
    const heights = this.#height - this.#from.height
    const heightsPerSec = elapsedMs < MIN_RATED_MS || heights <= 0 ? null : (heights * 1_000) / elapsedMs
    return {
      phase: this.#phase,
      doneHeights: this.#height,
      totalHeights: this.#height + left,
      heightsPerSec,
      secondsLeft: heightsPerSec === null ? null : Math.ceil(left / heightsPerSec)
    }
  }
}
