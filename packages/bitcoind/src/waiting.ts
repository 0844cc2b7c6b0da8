import { setTimeout as after } from 'node:timers/promises'

/** Resolves after `ms`, or at once when `signal` is aborted; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await after(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

export interface BackOff {
  readonly minMs: number
  readonly maxMs: number
}

/** Waiting times double from `minMs` to `maxMs` and stay there. `attempt` counts from 0. */
export function backOffMs(attempt: number, { minMs, maxMs }: BackOff): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30))
}

/** A bell that one waits for and others ring; a ring that nobody waits for is kept for the next wait. */
export class Bell {
  #rung = false
  #wake: (() => void) | null = null

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves when the bell was rung, `ms` passed or `signal` was aborted. One waits at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung) {
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      const onAbort = (): void => woken.abort()
      signal.addEventListener('abort', onAbort)
      if (signal.aborted) woken.abort()
      await pause(ms, woken.signal)
      signal.removeEventListener('abort', onAbort)
      this.#wake = null
    }
    this.#rung = false
  }
}
