import type { SteadyMs } from '@p2poolv2/primitives'
import type { CloseReason, MinerIdentity, SessionOptions } from '../contract.ts'
import { type Refusal, refusal } from '../mining/refusals.ts'
import type { WorkerNames } from '../mining/worker-names.ts'
import { type Configured, type Credentials, configure, userAgentOf } from './handshake.ts'

/** A connection that has not subscribed, not authorised by then is closed. */
const SUBSCRIBE_WITHIN_MS = 30_000
const AUTHORISE_WITHIN_MS = 60_000
/** After a refusal: time for the message to arrive and for one more try. */
const CLOSE_REFUSED_AFTER_MS = 10_000

/** Subscription, authorisation and version mask of one connection, in whatever order they come. */
export class Login {
  readonly #options: SessionOptions
  readonly #workers: WorkerNames
  #userAgent: string | null = null
  #versionMask: number
  #refusedAtMs: SteadyMs | null = null
  #patienceMs = CLOSE_REFUSED_AFTER_MS

  constructor(options: SessionOptions, workers: WorkerNames) {
    this.#options = options
    this.#workers = workers
    this.#versionMask = options.versionMask
  }

  get subscribed(): boolean {
    return this.#userAgent !== null
  }

  get authorised(): boolean {
    return this.#workers.identity !== null
  }

  /** '' before `mining.subscribe` or when it named none. */
  get userAgent(): string {
    return this.#userAgent ?? ''
  }

  /** u32: version bits this miner may roll; without `mining.configure` all we allow. */
  get versionMask(): number {
    return this.#versionMask
  }

  /** When patience ends, or null once logged in. */
  get nextDeadlineMs(): number | null {
    const { connectedAtMs } = this.#options
    if (this.authorised) return this.subscribed ? null : connectedAtMs + SUBSCRIBE_WITHIN_MS
    const ends = [connectedAtMs + (this.subscribed ? AUTHORISE_WITHIN_MS : SUBSCRIBE_WITHIN_MS)]
    if (this.#refusedAtMs !== null) ends.push(this.#refusedAtMs + this.#patienceMs)
    return Math.min(...ends)
  }

  /** Why to close at a deadline, or null for not yet. */
  overdue(nowMs: SteadyMs): CloseReason | null {
    const { nextDeadlineMs } = this
    if (nextDeadlineMs === null || nowMs < nextDeadlineMs) return null
    if (this.#refusedAtMs !== null && !this.authorised) return 'refused'
    return this.subscribed ? 'no-authorise' : 'no-subscribe'
  }

  /**
   * Takes note of a `mining.subscribe`.
   * @returns whether it is the first; again is answered the same, since the extranonce cannot change under work that is out
   */
  subscribe(params: unknown): boolean {
    const isFirst = this.#userAgent === null
    this.#userAgent ??= userAgentOf(params)
    return isFirst
  }

  configure(params: unknown): Configured {
    const configured = configure(params, this.#options.versionMask)
    this.#versionMask = configured.versionMask ?? this.#versionMask
    return configured
  }

  /** Takes a first payee, or a further name of his. */
  admit({ name, user }: Credentials, identity: MinerIdentity): 'added' | 'known' | Refusal {
    const added = this.#workers.add(name, user, identity)
    if (added === 'other-payee') return refusal('other-payee')
    return added === 'full' ? refusal('too-many-workers') : added
  }

  /**
   * Takes note that a name was refused; nothing else is kept of it.
   * @param patienceMs how long to bear with the connection from its first refusal on. Longer than usual: it is not closed before
   * @returns 'close': there is no further try. Who mines already keeps mining: a proxy may name an address too many.
   */
  refused(nowMs: SteadyMs, patienceMs: number = CLOSE_REFUSED_AFTER_MS): 'bear' | 'close' {
    this.#patienceMs = Math.max(this.#patienceMs, patienceMs)
    const isLast = !this.authorised && this.#refusedAtMs !== null && this.#patienceMs === CLOSE_REFUSED_AFTER_MS
    this.#refusedAtMs ??= nowMs
    return isLast ? 'close' : 'bear'
  }
}
