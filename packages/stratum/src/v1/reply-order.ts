import { invariant, type SteadyMs } from '@p2poolv2/primitives'
import type { MinerIdentity } from '../contract.ts'
import { MAX_WORKERS } from '../mining/worker-names.ts'
import type { Credentials } from './handshake.ts'

/**
 * Authorisations awaited at a time, as many as there may be worker names: a proxy may send all of its own at once. Beyond
 * it, or beyond so many characters held back, the oldest is given up.
 */
export const MAX_AWAITED: number = MAX_WORKERS
export const MAX_HELD_CHARS = 64 * 1024
/** An authorisation is given up when its answer took this long: firmware waits up to 60 s for a reply (stratum §1.5). */
export const ANSWER_WITHIN_MS = 20_000

export type LoginVerdict =
  | { readonly type: 'authorised'; readonly identity: MinerIdentity }
  | { readonly type: 'refused'; readonly message: string; readonly patienceMs?: number }
  /** Nobody answered in time. */
  | { readonly type: 'unanswered' }

/** A `mining.authorize` that was asked about. */
export interface AwaitedLogin {
  readonly requestId: number
  readonly idJson: string
  readonly credentials: Credentials
}

interface Place extends AwaitedLogin {
  readonly askedAtMs: SteadyMs
  verdict: LoginVerdict | null
  /** Replies to what the miner sent after it. */
  held: string
}

export interface SettledLogin extends AwaitedLogin {
  readonly verdict: LoginVerdict
  /** To be sent after the reply to this one. */
  readonly held: string
}

/**
 * Keeps replies in the order of the requests although an authorisation may be answered late: part of the firmware takes
 * the next line for the answer to its last request, whatever its id (stratum §3.2). Only replies wait here. Requests are
 * acted on as they come, so that a block is never held up, and work is sent at once, which every firmware bears while it
 * waits for a reply.
 */
export class ReplyOrder {
  readonly #places: Place[] = []
  #heldChars = 0
  #asked = 0

  /** When the oldest authorisation is given up, or null when none is awaited. */
  get nextDeadlineMs(): number | null {
    const [oldest] = this.#places
    return oldest === undefined ? null : oldest.askedAtMs + ANSWER_WITHIN_MS
  }

  /** @returns the number under which to ask; every one is new */
  await(login: Omit<AwaitedLogin, 'requestId'>, nowMs: SteadyMs): number {
    const requestId = ++this.#asked
    this.#heldChars += login.idJson.length
    this.#places.push({ ...login, requestId, askedAtMs: nowMs, verdict: null, held: '' })
    return requestId
  }

  /** Holds a reply back if it has to wait. @returns false: it is to be sent now */
  hold(reply: string): boolean {
    const last = this.#places.at(-1)
    if (last === undefined) return false
    last.held += reply
    this.#heldChars += reply.length
    return true
  }

  /** The first answer counts; one that nobody waits for is ignored. */
  answer(requestId: number, verdict: LoginVerdict): void {
    const place = this.#places.find(awaited => awaited.requestId === requestId)
    if (place !== undefined) place.verdict ??= verdict
  }

  /** The oldest authorisation, if it is answered or given up by now. To be called until it gives null. */
  takeSettled(nowMs: SteadyMs): SettledLogin | null {
    const [oldest] = this.#places
    if (oldest === undefined) return null
    const isOver =
      nowMs >= oldest.askedAtMs + ANSWER_WITHIN_MS ||
      this.#heldChars > MAX_HELD_CHARS ||
      this.#places.length > MAX_AWAITED
    const verdict = oldest.verdict ?? (isOver ? { type: 'unanswered' as const } : null)
    return verdict === null ? null : this.#take(oldest, verdict)
  }

  /** The oldest authorisation, whether or not it is answered: the connection ends. Null when none is left. */
  takeAny(): SettledLogin | null {
    const [oldest] = this.#places
    return oldest === undefined ? null : this.#take(oldest, oldest.verdict ?? { type: 'unanswered' })
  }

  checkInvariants(): void {
    invariant(this.#places.length <= MAX_AWAITED, 'few authorisations are awaited')
    invariant(this.#heldChars <= MAX_HELD_CHARS, 'few replies are held')
    const chars = this.#places.reduce((sum, { idJson, held }) => sum + idJson.length + held.length, 0)
    invariant(chars === this.#heldChars, 'what is held is counted')
  }

  #take({ requestId, idJson, credentials, held }: Place, verdict: LoginVerdict): SettledLogin {
    this.#places.shift()
    this.#heldChars -= idJson.length + held.length
    return { requestId, idJson, credentials, verdict, held }
  }
}
