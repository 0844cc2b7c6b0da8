import { setTimeout as pause } from 'node:timers/promises'
import type { Alert } from '@p2poolv2/alerts'
import { secFromMs } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES } from '@p2poolv2/runtime'
import { type Destination, postingOf, type Sender } from './destination.ts'
import { type PostResult, post } from './post.ts'

/** Alerts that wait for one destination; at the cap the oldest goes. The rules make a dozen an hour each at most. */
export const MAX_WAITING = 32

export interface SenderTimings {
  /** Of one attempt. */
  readonly timeoutMs: number
  /** The pause after a first failure; it doubles up to the other. */
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** An alert that old is given up: it would only confuse. */
  readonly giveUpMs: number
}

const TIMINGS: SenderTimings = { timeoutMs: 10_000, retryMinMs: 5_000, retryMaxMs: 300_000, giveUpMs: 6 * 3_600_000 }

export interface AlertSenderDeps {
  readonly clock: Clock
  readonly log: Log
  readonly sender: Sender
  readonly timings?: Partial<SenderTimings>
}

/** How a destination does. */
export interface DestinationState {
  readonly type: Destination['type']
  /** Host and port of its address; the rest is a secret. */
  readonly host: string
  readonly waiting: number
  readonly sent: number
  readonly lost: number
  readonly lastSentSec: number | null
  /** What went wrong last; null when the last attempt went well. */
  readonly trouble: string | null
}

/** What came of a test at one destination. */
export interface TestResult extends Pick<DestinationState, 'type' | 'host'> {
  readonly result: PostResult
}

/** Posts alerts, each to every destination, in order. Mining never waits for it, and nothing it does can fail the node. */
export class AlertSender {
  readonly #lines: readonly Line[]
  readonly #stop = new AbortController()
  #testing: Promise<readonly TestResult[]> | null = null

  constructor(destinations: readonly Destination[], deps: AlertSenderDeps) {
    this.#lines = destinations.map(destination => new Line(destination, deps, this.#stop.signal))
  }

  get state(): readonly DestinationState[] {
    return this.#lines.map(line => line.state)
  }

  send(alert: Alert): void {
    for (const line of this.#lines) line.push(alert)
  }

  /** One attempt at each destination, now and beside what waits. Whoever asks for one while it is under way is told what comes of it. */
  test(alert: Alert): Promise<readonly TestResult[]> {
    this.#testing ??= Promise.all(
      this.#lines.map(async line => {
        const { type, host } = line.state
        return { type, host, result: await line.attempt(alert) }
      })
    ).finally(() => {
      this.#testing = null
    })
    return this.#testing
  }

  /** Lets go of what waits. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#lines.map(line => line.idle()))
  }
}

interface Waiting {
  readonly alert: Alert
  readonly sinceMs: number
}

/** What goes to one destination, one after the other. */
class Line {
  readonly #destination: Destination
  readonly #deps: AlertSenderDeps
  readonly #timings: SenderTimings
  readonly #ending: AbortSignal
  readonly #waiting: Waiting[] = []
  readonly #host: string
  #working: Promise<void> | null = null
  #sent = 0
  #lost = 0
  #lastSentSec: number | null = null
  #trouble: string | null = null

  constructor(destination: Destination, deps: AlertSenderDeps, ending: AbortSignal) {
    this.#destination = destination
    this.#deps = deps
    this.#timings = { ...TIMINGS, ...deps.timings }
    this.#ending = ending
    this.#host = new URL(destination.url).host
  }

  get state(): DestinationState {
    return {
      type: this.#destination.type,
      host: this.#host,
      waiting: this.#waiting.length,
      sent: this.#sent,
      lost: this.#lost,
      lastSentSec: this.#lastSentSec,
      trouble: this.#trouble
    }
  }

  push(alert: Alert): void {
    if (this.#ending.aborted) return
    this.#waiting.push({ alert, sinceMs: this.#deps.clock.now().steadyMs })
    if (this.#waiting.length > MAX_WAITING) this.#lose('too many alerts wait')
    this.#working ??= this.#work().finally(() => {
      this.#working = null
    })
  }

  async attempt(alert: Alert): Promise<PostResult> {
    const { clock, sender } = this.#deps
    const signal = AbortSignal.any([this.#ending, AbortSignal.timeout(this.#timings.timeoutMs)])
    const result = await post(this.#destination.url, postingOf(this.#destination, alert, sender), signal)
    if (this.#ending.aborted) return result
    this.#trouble = result.ok ? null : result.message
    if (result.ok) {
      this.#sent += 1
      this.#lastSentSec = secFromMs(clock.now().wallMs)
    }
    return result
  }

  async idle(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    let retryMs = this.#timings.retryMinMs
    for (let next = this.#waiting[0]; next !== undefined && !this.#ending.aborted; next = this.#waiting[0]) {
      const result = await this.attempt(next.alert)
      if (result.ok) {
        // It may have gone to make room meanwhile.
        if (this.#waiting[0] === next) this.#waiting.shift()
        retryMs = this.#timings.retryMinMs
        continue
      }
      if (this.#ending.aborted) return
      const isOld = this.#deps.clock.now().steadyMs - next.sinceMs >= this.#timings.giveUpMs
      if (!result.retry || isOld) {
        if (this.#waiting[0] === next) this.#lose(result.message)
        continue
      }
      await pause(retryMs, undefined, { signal: this.#ending }).catch(() => undefined)
      retryMs = Math.min(retryMs * 2, this.#timings.retryMaxMs)
    }
  }

  #lose(reason: string): void {
    const lost = this.#waiting.shift()
    if (lost === undefined) return
    this.#lost += 1
    const { rule, title } = lost.alert
    const fields = { destination: this.#destination.type, host: this.#host, rule, title, reason }
    this.#deps.log.warn(MESSAGES.alertLost, fields)
  }
}
