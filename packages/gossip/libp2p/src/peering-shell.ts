import type { Peering, PeeringEffect, PeeringEvent, PeerRecord } from '@p2poolv2/gossip'
import type { Clock } from '@p2poolv2/runtime'
import type { Network } from './contract.ts'

/** The longest time a Node.js timer can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** What is kept over a restart. Writes that fail are the store's to report: nothing here depends on them. */
export interface PeerRecords {
  keep(record: PeerRecord): void
  forget(key: string): void
}

/** Runs one `Peering`: hands it events, performs what it asks for, wakes it when it wants to be woken. */
export class PeeringShell {
  readonly #peering: Peering
  readonly #clock: Clock
  readonly #records: PeerRecords
  #network: Pick<Network, 'connect' | 'close'> | null = null
  #inbox: PeeringEvent[] = []
  #working = false
  #timer: NodeJS.Timeout | null = null

  constructor(deps: { readonly peering: Peering; readonly clock: Clock; readonly records: PeerRecords }) {
    this.#peering = deps.peering
    this.#clock = deps.clock
    this.#records = deps.records
  }

  /** Begins: nothing is dialled before. What was posted until now is taken first. */
  start(network: Pick<Network, 'connect' | 'close'>): void {
    this.#network = network
    this.post({ type: 'deadline' })
  }

  stop(): void {
    this.#network = null
    this.#inbox = []
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Hands over an event. One that comes while effects are performed waits for their end. */
  post(event: PeeringEvent): void {
    this.#inbox.push(event)
    if (this.#working || this.#network === null) return
    this.#working = true
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        for (const effect of this.#peering.handle(next, this.#clock.now())) this.#perform(effect)
      }
    } finally {
      this.#working = false
      this.#arm()
    }
  }

  #perform(effect: PeeringEffect): void {
    switch (effect.type) {
      case 'dial':
        void this.#network?.connect(effect.address, effect.peer)
        break
      case 'close':
        this.#network?.close(effect.peer, effect.reason)
        break
      case 'keep':
        this.#records.keep(effect.record)
        break
      case 'forget':
        this.#records.forget(effect.key)
        break
      default:
        effect satisfies never
    }
  }

  /** One timer for whatever is due next. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const dueAtMs = this.#peering.nextDeadlineMs
    if (this.#network === null || dueAtMs === null) return
    const waitMs = Math.min(Math.max(0, dueAtMs - this.#clock.now().steadyMs), MAX_TIMEOUT_MS)
    this.#timer = setTimeout(() => this.post({ type: 'deadline' }), waitMs)
  }
}
