import { hostNetwork, RateLimit } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES } from '@p2poolv2/runtime'
import type { Answering } from './answering.ts'
import type { HandshakeAnswer } from './handshake-answer.ts'
import type { NoiseIdentity } from './noise-identity.ts'

/**
 * Handshakes that wait; one more takes the place of the last one of the address that has the most, a stranger's if there is one. Where all have
 * as many the one whose turn is next gives way: who waited longest is about to give up, and with drops at the end all would. Clients give
 * up after 10 s.
 */
export const MAX_WAITING = 512
/** In all 50 a second for long, a tenth of a core, and as many at once after a pause: more would be felt by who mines where cores are few. */
const UNIT_MS = 20
const BURST = 50

/** Somebody who has said the first act. */
export interface HandshakeRequest {
  readonly act1: Uint8Array
  readonly address: string
  /** Miners of that address have been here for a while: they come back before strangers come. */
  readonly isKnown: boolean
  /** Whether it is still there: it may have hung up while it waited. */
  readonly isWanted: () => boolean
}

interface Waiting extends HandshakeRequest {
  readonly resolve: (answer: HandshakeAnswer | null) => void
}

/** Handshakes of some addresses, which have their turns: however many come from one, whoever comes from another is the next. */
class Queue {
  /** By address, or network of IPv6; the one whose turn is next first. */
  readonly #byNetwork = new Map<string, Waiting[]>()
  size = 0

  push(waiting: Waiting): void {
    const network = hostNetwork(waiting.address)
    const ofNetwork = this.#byNetwork.get(network) ?? []
    ofNetwork.push(waiting)
    this.#byNetwork.set(network, ofNetwork)
    this.size += 1
  }

  /** The first of the address whose turn it is. */
  shift(): Waiting | null {
    for (const [network, ofNetwork] of this.#byNetwork) {
      const first = ofNetwork.shift()
      this.#byNetwork.delete(network)
      if (ofNetwork.length > 0) this.#byNetwork.set(network, ofNetwork)
      if (first === undefined) continue
      this.size -= 1
      return first
    }
    return null
  }

  dropOne(): void {
    let most: [string, Waiting[]] | null = null
    for (const entry of this.#byNetwork) if (most === null || entry[1].length > most[1].length) most = entry
    if (most === null) return
    const [network, ofNetwork] = most
    ofNetwork.pop()?.resolve(null)
    this.size -= 1
    if (ofNetwork.length === 0) this.#byNetwork.delete(network)
  }

  clear(): void {
    for (const ofNetwork of this.#byNetwork.values()) for (const { resolve } of ofNetwork) resolve(null)
    this.#byNetwork.clear()
    this.size = 0
  }
}

/**
 * Answers handshakes one at a time: one of a known address and one of a stranger's in turns, and in each addresses in turns. A handshake costs
 * the processor what ten shares do, and its asker nothing.
 */
export class Handshakes {
  readonly identity: NoiseIdentity
  readonly #answering: Answering
  readonly #clock: Clock
  readonly #log: Pick<Log, 'warn'>
  readonly #pace = new RateLimit({ unitMs: UNIT_MS, burst: BURST })
  readonly #known = new Queue()
  readonly #strangers = new Queue()
  #isStrangersTurn = false
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
      if (this.waiting >= MAX_WAITING) (this.#strangers.size > 0 ? this.#strangers : this.#known).dropOne()
      const queue = request.isKnown ? this.#known : this.#strangers
      queue.push({ ...request, resolve })
      this.#work()
    })
  }

  async stop(): Promise<void> {
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#known.clear()
    this.#strangers.clear()
    await this.#answering.stop()
  }

  /** Handshakes that are not begun. */
  get waiting(): number {
    return this.#known.size + this.#strangers.size
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
    if (this.waiting === 0) return
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

  /** Those that have hung up are passed over. */
  #next(): Waiting | null {
    while (this.waiting > 0) {
      const queue =
        (this.#isStrangersTurn || this.#known.size === 0) && this.#strangers.size > 0 ? this.#strangers : this.#known
      const next = queue.shift()
      if (next === null) continue
      if (!next.isWanted()) {
        next.resolve(null)
        continue
      }
      this.#isStrangersTurn = queue === this.#known
      return next
    }
    return null
  }
}
