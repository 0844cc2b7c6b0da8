import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from './log.ts'
import { MESSAGES } from './messages/table.ts'

/** Something that runs: a server, a feed, a store. Both functions are called at most once, `stop` only after `start`. */
export interface Part {
  readonly name: string
  /** Resolves when the part serves. A rejection stops what was started before it. */
  start?(options: { signal: AbortSignal }): Promise<void> | void
  /** Resolves when the part is at rest. `signal` is aborted when its time is up: let go of everything, then. */
  stop?(options: { signal: AbortSignal }): Promise<void> | void
  /** Parts stop in ascending rank, and in reverse order of their start within one rank; 0 when absent. */
  readonly stopRank?: number
  /** Longest time for this part's stop; the whole budget when absent. */
  readonly stopWithinMs?: number
}

export interface LifecycleOptions {
  readonly log: Log
  /** Longest time for the whole stop, by default STOP_WITHIN_MS. */
  readonly stopWithinMs?: number
}

/** Service managers kill after 10 s (containers) to 90 s (systemd); a person at a terminal waits about this long. */
export const STOP_WITHIN_MS = 5_000

/** A part that takes longer is named in the log: a stop is a matter of milliseconds. */
const SLOW_STOP_MS = 1_000

/** One part could not start; `cause` says why, `partName` which. */
export class StartError extends Error {
  readonly code = 'start-failed'
  readonly partName: string

  constructor(partName: string, cause: unknown) {
    super(`${partName} could not start: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StartError'
    this.partName = partName
  }
}

export interface StopReport {
  /** Names of the parts that were not at rest within their time. */
  readonly overdue: readonly string[]
  /** Names of the parts whose stop failed. */
  readonly failed: readonly string[]
}

/** Starts parts one after another and stops them in order, within a bounded time, whatever one of them does. */
export class Lifecycle {
  readonly #log: Log
  readonly #stopWithinMs: number
  readonly #started: Part[] = []
  readonly #abortStart = new AbortController()
  #stopping: Promise<StopReport> | null = null

  constructor(options: LifecycleOptions) {
    this.#log = options.log
    this.#stopWithinMs = options.stopWithinMs ?? STOP_WITHIN_MS
  }

  /**
   * Starts the parts in the order given. A part's `signal` is aborted when `stop` is called meanwhile.
   * @throws StartError after the parts before the failing one were stopped
   */
  async start(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      try {
        this.#abortStart.signal.throwIfAborted()
        await part.start?.({ signal: this.#abortStart.signal })
        this.#started.push(part)
        // A stop that came meanwhile has already walked its list: this part is stopped by the next turn's refusal.
        this.#abortStart.signal.throwIfAborted()
      } catch (error) {
        const stopped = this.#stopping
        this.#stopping = null
        await stopped
        await this.stop()
        throw new StartError(part.name, error)
      }
    }
  }

  /** Stops everything that was started. Never rejects; a second call returns the first one's promise. */
  stop(): Promise<StopReport> {
    this.#abortStart.abort(new Error('stopping'))
    this.#stopping ??= this.#stopAll(this.#started.splice(0))
    return this.#stopping
  }

  async #stopAll(parts: Part[]): Promise<StopReport> {
    const endsAtMs = performance.now() + this.#stopWithinMs
    const inOrder = parts.reverse().sort((a, b) => (a.stopRank ?? 0) - (b.stopRank ?? 0))
    const overdue: string[] = []
    const failed: string[] = []
    for (const part of inOrder) {
      const leftMs = Math.max(0, endsAtMs - performance.now())
      const outcome = await this.#stopOne(part, Math.min(leftMs, part.stopWithinMs ?? leftMs))
      if (outcome === 'overdue') overdue.push(part.name)
      if (outcome === 'failed') failed.push(part.name)
    }
    return { overdue, failed }
  }

  async #stopOne(part: Part, withinMs: number): Promise<'stopped' | 'overdue' | 'failed'> {
    const timeIsUp = new AbortController()
    const beganMs = performance.now()
    const stopped = (async () => {
      try {
        await part.stop?.({ signal: timeIsUp.signal })
        const tookMs = Math.round(performance.now() - beganMs)
        if (tookMs >= SLOW_STOP_MS) this.#log.info({ part: part.name, tookMs }, 'a part took long to stop')
        return 'stopped'
      } catch (error) {
        this.#log.warn(MESSAGES.partFailedToStop, { part: part.name, err: error })
        return 'failed'
      }
    })()
    const cancelBox = new AbortController()
    const box = pause(withinMs, 'overdue' as const, { signal: cancelBox.signal }).catch(() => 'overdue' as const)
    const outcome = await Promise.race([stopped, box])
    cancelBox.abort()
    if (outcome === 'overdue') {
      timeIsUp.abort(new Error('out of time'))
      this.#log.warn(MESSAGES.partOverdue, { part: part.name, withinMs: Math.round(withinMs) })
    }
    return outcome
  }
}
