import { hostNetwork, RateLimit } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES } from '@p2poolv2/runtime'
import type { Answering } from './answering.ts'
import type { HandshakeAnswer } from './handshake-answer.ts'
import type { NoiseIdentity } from './noise-identity.ts'

/** Handshakes that wait; one more takes the place of the last one of the address that has the most. Clients give up after 10 s. */
export const MAX_WAITING = 512
/** In all 50 a second for long, a tenth of a core, and as many at once after a pause: more would be felt by who mines where cores are few. */
const UNIT_MS = 20
const BURST = 50

/** Somebody who has said the first act. */
export interface HandshakeRequest {
  readonly act1: Uint8Array
  readonly address: string
  /** Whether it is still there: it may have hung up while it waited. */
  readonly isWanted: () => boolean
}

interface Waiting extends HandshakeRequest {
  readonly resolve: (answer: HandshakeAnswer | null) => void
}

/**
 * Answers handshakes one at a time, addresses in turns: however many come from one, whoever comes from another is the next. A
 * handshake costs the processor what ten shares do, and its asker nothing.
 */
export class Handshakes {
  readonly identity: NoiseIdentity
  readonly #answering: Answering
  readonly #clock: Clock
  readonly #log: Pick<Log, 'warn'>
  readonly #pace = new RateLimit({ unitMs: UNIT_MS, burst: BURST })
  /** By address, or network of IPv6; the one whose turn is next first. */
  readonly #waiting = new Map<string, Waiting[]>()
  #size = 0
  #isBusy = false
  #pause: NodeJS.Timeout | null = null

  constructor(
    identity: NoiseIdentity,
    { answering, clock, log }: { readonly answering: Answering; readonly clock: Clock; readonly log: Pick<Log, 'warn'> }
  ) {
    this.identity = identity
    this.#answering = answering
    this.#clock = clock
    this.#log = log
  }

  /** Resolves with null when there is no answer to be had: the connection is to be closed. */
  request(request: HandshakeRequest): Promise<HandshakeAnswer | null> {
    return new Promise(resolve => {
      if (this.#size >= MAX_WAITING) this.#dropOne()
      const network = hostNetwork(request.address)
      const ofNetwork = this.#waiting.get(network) ?? []
      ofNetwork.push({ ...request, resolve })
      this.#waiting.set(network, ofNetwork)
      this.#size += 1
      this.#work()
    })
  }

  async stop(): Promise<void> {
    if (this.#pause !== null) clearTimeout(this.#pause)
    for (const ofAddress of this.#waiting.values()) for (const { resolve } of ofAddress) resolve(null)
    this.#waiting.clear()
    this.#size = 0
    await this.#answering.stop()
  }

  #work(): void {
    if (this.#isBusy || this.#pause !== null) return
    const next = this.#next()
    if (next === null) return
    const { steadyMs, wallMs } = this.#clock.now()
    this.#isBusy = true
    this.#pace.spend(1, steadyMs)
    const { static: own } = this.identity
    this.#answering.answer({ act1: next.act1, static: own, certificate: this.identity.certificate(wallMs) }).then(
      answer => this.#answered(next, answer),
      (err: unknown) => {
        this.#log.warn(MESSAGES.handshakeFailed, { err })
        this.#answered(next, null)
      }
    )
  }

  #answered({ resolve }: Waiting, answer: HandshakeAnswer | null): void {
    resolve(answer)
    this.#isBusy = false
    if (this.#size === 0) return
    const { steadyMs } = this.#clock.now()
    const waitMs = this.#pace.allowedAtMs(1, steadyMs) - steadyMs
    if (waitMs <= 0) this.#work()
    else {
      this.#pause = setTimeout(() => {
        this.#pause = null
        this.#work()
      }, waitMs)
    }
  }

  /** The first of the address whose turn it is; those that have hung up are passed over. */
  #next(): Waiting | null {
    for (const [address, ofAddress] of this.#waiting) {
      const first = ofAddress.shift()
      this.#waiting.delete(address)
      if (ofAddress.length > 0) this.#waiting.set(address, ofAddress)
      if (first === undefined) continue
      this.#size -= 1
      if (first.isWanted()) return first
      first.resolve(null)
    }
    return null
  }

  #dropOne(): void {
    let most: [string, Waiting[]] | null = null
    for (const entry of this.#waiting) if (most === null || entry[1].length > most[1].length) most = entry
    if (most === null) return
    const [address, ofAddress] = most
    ofAddress.pop()?.resolve(null)
    this.#size -= 1
    if (ofAddress.length === 0) this.#waiting.delete(address)
  }
}
