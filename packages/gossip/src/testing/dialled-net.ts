import { invariant, type Moment, seededRng, steadyMs, unixMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import type {
  DialFailure,
  Direction,
  PeerAddress,
  PeeringEffect,
  PeeringEvent,
  PeerRecord
} from '../peering/contract.ts'
import { MAX_PENDING } from '../peering/dial-policy.ts'
import { canonicalAddress, parseAddress, peerIdFromBytes } from '../peering/net-address.ts'
import type { Peering, PeeringOptions } from '../peering/peering.ts'
import { loadPeering } from '../peering/records.ts'

export const SELF = peerOf('self')
export const PEERING_OPTIONS: PeeringOptions = {
  self: SELF,
  maxInbound: 50,
  maxOutbound: 50,
  outbound: 8,
  acceptsPrivate: false,
  reachesOnion: false
}

/** The id of a peer with a name. */
export function peerOf(name: string): PeerId {
  const key = seededRng(`peer ${name}`).bytes(32)
  return peerIdFromBytes(Uint8Array.of(0, 0x24, 8, 1, 0x12, 0x20, ...key)) ?? ''
}

/** What answers at an address: a peer, or a failure. Nothing there: `unreachable`. */
export type Answer = PeerId | { readonly fails: DialFailure }

/**
 * One peering machine in a network that does what it is asked under virtual time: dials are answered after 50 ms, failures of time
 * after ten seconds, connections close at once. After every event it checks what must never happen, and every record
 * is kept as a store would.
 */
export class DialledNet {
  readonly #options: PeeringOptions
  #peering: Peering
  readonly answers = new Map<PeerAddress, Answer>()
  readonly records = new Map<string, PeerRecord>()
  readonly dials: { readonly atMs: number; readonly address: PeerAddress; readonly peer: PeerId | null }[] = []
  readonly closes: { readonly peer: PeerId; readonly reason: string }[] = []
  readonly connected = new Map<PeerId, { readonly address: PeerAddress; readonly direction: Direction }>()
  readonly #queue: { readonly atMs: number; readonly event: PeeringEvent }[] = []
  readonly #pending = new Set<PeerAddress>()
  #steadyMs = 1_000
  #wallMs = 1_700_000_000_000
  #starts = 0

  constructor(options: Partial<PeeringOptions> = {}) {
    this.#options = { ...PEERING_OPTIONS, ...options }
    this.#peering = this.#start()
  }

  get peering(): Peering {
    return this.#peering
  }

  get now(): Moment {
    return { steadyMs: steadyMs(this.#steadyMs), wallMs: unixMs(this.#wallMs) }
  }

  /** Peers dialled by this node. */
  outbound(): PeerAddress[] {
    return [...this.connected.values()]
      .filter(({ direction }) => direction === 'outbound')
      .map(({ address }) => address)
  }

  inbound(): PeerId[] {
    return [...this.connected].filter(([, { direction }]) => direction === 'inbound').map(([peer]) => peer)
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  tell(event: PeeringEvent): void {
    if (event.type === 'closed') this.connected.delete(event.peer)
    if (event.type === 'dialFailed' || event.type === 'connected') {
      const address = canonicalAddress(event.address) ?? event.address
      this.#pending.delete(address)
      if (event.type === 'connected' && !this.connected.has(event.peer)) {
        this.connected.set(event.peer, { address, direction: event.direction })
      }
    }
    this.#perform(this.#peering.handle(event, this.now))
  }

  /** A peer dials this node, if it is let in before and after Noise. @returns whether it was */
  dialledBy(peer: PeerId, address: PeerAddress): boolean {
    for (const known of [null, peer]) {
      const asked = { direction: 'inbound', address, peer: known } as const
      if (this.#peering.admits(asked, this.now.steadyMs) !== null) return false
    }
    this.tell({ type: 'connected', peer, address, direction: 'inbound' })
    return this.connected.has(peer)
  }

  /** Lets time pass, with all that happens in it. */
  run(ms: number): void {
    const untilMs = this.#steadyMs + ms
    for (let turns = 0; ; turns++) {
      invariant(turns < 1_000_000, 'a deadline is after the time at which it was named')
      const next = Math.min(
        this.#queue[0]?.atMs ?? Number.POSITIVE_INFINITY,
        this.#peering.nextDeadlineMs ?? Number.POSITIVE_INFINITY
      )
      if (next > untilMs) break
      this.#pass(Math.max(0, next - this.#steadyMs))
      const due = this.#queue[0]?.atMs === next ? this.#queue.shift() : undefined
      if (due === undefined) this.tell({ type: 'deadline' })
      else this.#happen(due.event)
    }
    this.#pass(untilMs - this.#steadyMs)
  }

  /** The process ends and begins again, the steady clock too. @returns records that could not be used */
  restart(): number {
    this.connected.clear()
    this.#queue.length = 0
    this.#pending.clear()
    this.#steadyMs = 500
    const before = this.records.size
    this.#peering = this.#start()
    this.tell({ type: 'deadline' })
    return before - this.records.size
  }

  #start(): Peering {
    const rng = seededRng(`start ${this.#starts++}`)
    return loadPeering(this.records.values(), this.#options, { rng, now: this.now }).peering
  }

  #pass(ms: number): void {
    this.#steadyMs += ms
    this.#wallMs += ms
  }

  #perform(effects: readonly PeeringEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'dial':
          this.#dial(effect)
          break
        case 'close':
          this.closes.push({ peer: effect.peer, reason: effect.reason })
          this.#later(0, { type: 'closed', peer: effect.peer })
          break
        case 'keep':
          this.records.set(effect.record.key, effect.record)
          break
        case 'forget':
          this.records.delete(effect.key)
          break
        default:
          effect satisfies never
      }
    }
    this.#check()
  }

  #dial({ address, peer }: Extract<PeeringEffect, { type: 'dial' }>): void {
    invariant(canonicalAddress(address) === address, 'an address is dialled in its one form')
    invariant(!this.#pending.has(address), 'an address is dialled once at a time')
    for (const { address: taken } of this.connected.values())
      invariant(taken !== address, 'a connected peer is not dialled')
    const asked = { direction: 'outbound', address, peer: null } as const
    const refusal = this.#peering.admits(asked, this.now.steadyMs)
    invariant(refusal === null, 'who is dialled would be let in')
    invariant(peer === null || !this.connected.has(peer), 'a connected peer is not dialled')
    this.dials.push({ atMs: this.#steadyMs, address, peer })
    this.#pending.add(address)
    const answer = this.answers.get(address) ?? { fails: 'unreachable' }
    if (typeof answer !== 'string') {
      const ms = answer.fails === 'timeout' ? 10_000 : 50
      this.#later(ms, { type: 'dialFailed', address, reason: answer.fails })
    } else if (peer !== null && peer !== answer) {
      this.#later(50, { type: 'dialFailed', address, reason: 'wrong-peer' })
    } else {
      this.#later(50, { type: 'connected', peer: answer, address, direction: 'outbound' })
    }
  }

  #happen(event: PeeringEvent): void {
    if (event.type === 'connected') {
      const refusal = this.#peering.admits(event, this.now.steadyMs)
      if (refusal !== null) {
        const reason = refusal === 'self' ? 'self' : 'not-admitted'
        this.tell({ type: 'dialFailed', address: event.address, reason })
        return
      }
    }
    if (event.type === 'closed' && !this.connected.has(event.peer)) return
    this.tell(event)
  }

  #later(ms: number, event: PeeringEvent): void {
    this.#queue.push({ atMs: this.#steadyMs + ms, event })
    this.#queue.sort((a, b) => a.atMs - b.atMs)
  }

  #check(): void {
    this.#peering.checkInvariants()
    const closing = new Set(
      this.#queue.filter(({ event }) => event.type === 'closed').map(({ event }) => 'peer' in event && event.peer)
    )
    const stays = (direction: Direction): number =>
      [...this.connected].filter(([peer, about]) => about.direction === direction && !closing.has(peer)).length
    invariant(stays('inbound') <= this.#options.maxInbound, 'inbound peers are within their limit')
    invariant(stays('outbound') <= this.#options.maxOutbound, 'outbound peers are within their limit')
    invariant(this.#pending.size <= MAX_PENDING, 'dials under way are within their limit')
    const deadline = this.#peering.nextDeadlineMs
    invariant(deadline === null || deadline > this.#steadyMs, 'a deadline is in the future')
  }
}

/** The part of the internet in which an address is, as text to compare. */
export function groupText(address: PeerAddress): string {
  const net = parseAddress(address)
  return net === null ? '' : `${net.kind} ${net.host.slice(0, net.kind === 'ip4' ? 2 : 4)}`
}
