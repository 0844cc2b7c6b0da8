import { EXTRANONCE2_BYTES } from '@p2poolv2/bitcoin'
import { bytesToHex, type UnixMs } from '@p2poolv2/primitives'
import type { Authorise, CloseReason, MinerIdentity, SessionOptions } from '../contract.ts'
import { WorkerNames } from '../mining/worker-names.ts'
import { type Configured, configure, credentialsOf, subscribeResultJson, userAgentOf } from './handshake.ts'
import { REFUSALS, type Refusal } from './messages.ts'
import type { PasswordHints } from './password.ts'

/** A connection that has not subscribed, not authorised by then is closed. */
const SUBSCRIBE_WITHIN_MS = 30_000
const AUTHORISE_WITHIN_MS = 60_000
/** After a refusal: time for the message to arrive and for one more try. */
const CLOSE_REFUSED_AFTER_MS = 10_000

export type LoginAnswer =
  | {
      readonly ok: true
      readonly added: 'added' | 'known'
      readonly identity: MinerIdentity
      readonly hints: PasswordHints
    }
  /** `isLast`: no further try. */
  | { readonly ok: false; readonly refusal: Refusal; readonly isLast: boolean }

/** Subscription, authorisation and version mask of one connection, in whatever order they come. */
export class Login {
  readonly workers = new WorkerNames()
  readonly #options: SessionOptions
  readonly #authorise: Authorise
  readonly #subscribeResultJson: string
  #userAgent: string | null = null
  #versionMask: number
  #refusedAtMs: UnixMs | null = null

  constructor(options: SessionOptions, authorise: Authorise) {
    this.#options = options
    this.#authorise = authorise
    this.#subscribeResultJson = subscribeResultJson(bytesToHex(options.extranonce1), EXTRANONCE2_BYTES)
    this.#versionMask = options.versionMask
  }

  get subscribed(): boolean {
    return this.#userAgent !== null
  }

  get authorised(): boolean {
    return this.workers.identity !== null
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
    if (this.#refusedAtMs !== null) ends.push(this.#refusedAtMs + CLOSE_REFUSED_AFTER_MS)
    return Math.min(...ends)
  }

  /** Why to close at a deadline, or null for not yet. */
  overdue(nowMs: UnixMs): CloseReason | null {
    const { nextDeadlineMs } = this
    if (nextDeadlineMs === null || nowMs < nextDeadlineMs) return null
    if (this.#refusedAtMs !== null && !this.authorised) return 'refused'
    return this.subscribed ? 'no-authorise' : 'no-subscribe'
  }

  /**
   * The result of `mining.subscribe` as JSON. Again is answered the same: the extranonce cannot change under work
   * that is out.
   */
  subscribe(params: unknown): string {
    this.#userAgent ??= userAgentOf(params)
    return this.#subscribeResultJson
  }

  configure(params: unknown): Configured {
    const configured = configure(params, this.#options.versionMask)
    this.#versionMask = configured.versionMask ?? this.#versionMask
    return configured
  }

  /** A first payee, a further name of his, or a refusal, of which nothing is kept but that it happened. */
  authorise(params: unknown, nowMs: UnixMs): LoginAnswer {
    const credentials = credentialsOf(params)
    if (!credentials.ok) return this.#refuse({ code: 24, reason: credentials.message }, nowMs)
    const { name, user, worker, hints } = credentials
    const answer = this.#authorise({ user, worker, shareAddress: hints.shareAddress })
    if (!answer.ok) return this.#refuse({ code: 24, reason: answer.message }, nowMs)
    const { identity } = answer
    const added = this.workers.add(name, user, identity)
    if (added === 'other-payee') return this.#refuse(REFUSALS.addressAlreadySet, nowMs)
    if (added === 'full') return this.#refuse(REFUSALS.tooManyWorkers, nowMs)
    return { ok: true, added, identity, hints }
  }

  #refuse(refusal: Refusal, nowMs: UnixMs): LoginAnswer {
    // Who mines already keeps mining: a proxy may name an address too many.
    const isLast = !this.authorised && this.#refusedAtMs !== null
    this.#refusedAtMs ??= nowMs
    return { ok: false, refusal, isLast }
  }
}
