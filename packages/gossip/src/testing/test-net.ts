import { bytesToHex, invariant, type SteadyMs, sha256, steadyMs } from '@p2poolv2/primitives'
import type { GossipEvent } from '../contract.ts'
import type { Dialect, PeerEffect, PeerId, TopicVerdict } from '../network-port.ts'
import type { Actor } from './test-node.ts'

export interface Link {
  readonly latencyMs: number
  /** What the far side takes this one for: in the topics only if ours. */
  readonly dialect: Dialect
}

/** Something on its way. */
interface Arrival {
  readonly atMs: number
  readonly order: number
  readonly to: PeerId
  readonly event: GossipEvent
}

/** An answer on its way: who gave it to which request of whom. */
interface Answer {
  readonly by: PeerId
  readonly inboundId: number
  readonly from: PeerId
  readonly requestId: number
  readonly payload: Uint8Array | null
}

/** One message as a test may look at it to lose it. */
export interface Passing {
  readonly from: PeerId
  readonly to: PeerId
  readonly kind: 'request' | 'response' | 'gossip'
  readonly payload: Uint8Array | null
}

/**
 * Peers in memory under virtual time: requests with answers, and topics that carry a message on when its receiver accepts
 * it. Messages arrive in order of time and, at one time, of sending.
 */
export class TestNet {
  readonly actors = new Map<PeerId, Actor>()
  readonly penalties: { readonly by: PeerId; readonly peer: PeerId; readonly code: string }[] = []
  readonly dropped: { readonly by: PeerId; readonly peer: PeerId; readonly reason: string }[] = []
  readonly verdicts: { readonly by: PeerId; readonly data: Uint8Array; readonly verdict: TopicVerdict }[] = []
  readonly delivered: Passing[] = []
  /** Returns true for what is to be lost. */
  loses: (passing: Passing) => boolean = () => false
  nowMs: SteadyMs
  readonly #links = new Map<PeerId, Map<PeerId, Link>>()
  #arrivals: Arrival[] = []
  #order = 0
  /** Requests that have come to somebody: whose they are, by the number the net gave them. */
  readonly #requests = new Map<number, { readonly from: PeerId; readonly requestId: number }>()
  /** Answers to peers that read none. */
  readonly #untaken = new Map<PeerId, Answer[]>()
  /** Topic messages each actor has had. */
  readonly #had = new Map<PeerId, Map<string, Extract<GossipEvent, { type: 'gossip' }>>>()

  constructor(nowMs: SteadyMs) {
    this.nowMs = nowMs
  }

  add(id: PeerId, actor: Actor): void {
    this.actors.set(id, actor)
    this.#links.set(id, new Map())
    this.#had.set(id, new Map())
  }

  /** @param dialects what `a` takes `b` for, and `b` takes `a` for; default ours */
  connect(a: PeerId, b: PeerId, options: { readonly latencyMs?: number; readonly dialect?: Dialect } = {}): void {
    const link = { latencyMs: options.latencyMs ?? 50, dialect: options.dialect ?? 'ours' }
    this.#linksOf(a).set(b, link)
    this.#linksOf(b).set(a, link)
    this.#hand(a, { type: 'peerConnected', peer: b, direction: 'outbound', dialect: link.dialect })
    this.#hand(b, { type: 'peerConnected', peer: a, direction: 'inbound', dialect: link.dialect })
  }

  disconnect(a: PeerId, b: PeerId): void {
    if (!this.#linksOf(a).delete(b)) return
    this.#linksOf(b).delete(a)
    this.#endAnswers(a, b)
    this.#endAnswers(b, a)
    this.#arrivals = this.#arrivals.filter(({ to, event }) => !isBetween(a, b, { to, event }))
    this.#hand(a, { type: 'peerGone', peer: b })
    this.#hand(b, { type: 'peerGone', peer: a })
  }

  /** From now on the peer takes no answer, or takes all that have waited for it. */
  setReading(peer: PeerId, isReading: boolean): void {
    if (!isReading) {
      if (!this.#untaken.has(peer)) this.#untaken.set(peer, [])
      return
    }
    const waiting = this.#untaken.get(peer) ?? []
    this.#untaken.delete(peer)
    for (const answer of waiting) this.#answer(answer)
  }

  /** Bytes of answers that wait for a peer that does not read. */
  untakenBytes(peer: PeerId): number {
    return (this.#untaken.get(peer) ?? []).reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
  }

  /** How many answers wait for it. */
  untakenCount(peer: PeerId): number {
    return (this.#untaken.get(peer) ?? []).length
  }

  /** What an actor does of its own accord. */
  act(id: PeerId, effects: readonly PeerEffect[]): void {
    for (const effect of effects) this.#perform(id, effect)
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs
    for (let steps = 0; ; steps++) {
      invariant(steps < 2_000_000, 'the network comes to rest')
      const next = this.#next(endMs)
      if (next === null) break
      this.nowMs = steadyMs(Math.max(this.nowMs, next.atMs))
      if (next.arrival !== null) this.#hand(next.to, next.arrival.event)
      else this.#hand(next.to, { type: 'deadline' })
    }
    this.nowMs = steadyMs(endMs)
  }

  /** How often something went from one to the other. */
  count(filter: (passing: Passing) => boolean): number {
    return this.delivered.filter(filter).length
  }

  #next(endMs: number): { readonly atMs: number; readonly to: PeerId; readonly arrival: Arrival | null } | null {
    const [arrival] = this.#arrivals
    let next: { atMs: number; to: PeerId; arrival: Arrival | null } | null =
      arrival === undefined ? null : { atMs: arrival.atMs, to: arrival.to, arrival }
    for (const [id, { nextDeadlineMs }] of this.actors) {
      if (nextDeadlineMs === null || (next !== null && nextDeadlineMs >= next.atMs)) continue
      next = { atMs: nextDeadlineMs, to: id, arrival: null }
    }
    if (next === null || next.atMs > endMs) return null
    if (next.arrival !== null) this.#arrivals.shift()
    return next
  }

  #hand(to: PeerId, event: GossipEvent): void {
    const actor = this.actors.get(to)
    if (actor !== undefined) this.act(to, actor.handle(event, this.nowMs))
  }

  #perform(from: PeerId, effect: PeerEffect): void {
    switch (effect.type) {
      case 'request': {
        const { peer, protocol, payload } = effect
        const requestId = ++this.#order
        this.#requests.set(requestId, { from, requestId: effect.requestId })
        const passing = { from, to: peer, kind: 'request', payload } as const
        this.#send(passing, { type: 'peerRequest', peer: from, requestId, protocol, payload })
        break
      }
      case 'respond': {
        const request = this.#requests.get(effect.requestId)
        if (request === undefined) break
        this.#requests.delete(effect.requestId)
        const answer = { by: from, inboundId: effect.requestId, payload: effect.payload, ...request }
        const untaken = this.#untaken.get(request.from)
        // A stream closed without an answer leaves nothing to be taken.
        if (untaken === undefined || answer.payload === null) this.#answer(answer)
        else untaken.push(answer)
        break
      }
      case 'publish':
        this.#spread(from, { topic: effect.topic, data: effect.data, except: null })
        break
      case 'verdict': {
        const message = this.#had.get(from)?.get(effect.messageId)
        invariant(message !== undefined, 'a verdict is about a message that came')
        this.verdicts.push({ by: from, data: message.data, verdict: effect.verdict })
        if (effect.verdict === 'accept') this.#spread(from, { ...message, except: message.peer })
        break
      }
      case 'penalise':
        this.penalties.push({ by: from, peer: effect.peer, code: effect.code })
        break
      case 'otherRules':
        break
      case 'dropPeer':
        this.dropped.push({ by: from, peer: effect.peer, reason: effect.reason })
        this.disconnect(from, effect.peer)
        break
      default:
        effect satisfies never
    }
  }

  #answer({ by, inboundId, payload, from, requestId }: Answer): void {
    this.#send({ from: by, to: from, kind: 'response', payload }, { type: 'peerResponse', requestId, payload })
    // Lost or not, its bytes are gone after as long.
    this.#arrive(by, from, { type: 'responded', peer: from, requestId: inboundId })
  }

  /** The connection is over, and so is every answer on its way. */
  #endAnswers(by: PeerId, peer: PeerId): void {
    const untaken = this.#untaken.get(peer) ?? []
    const events = this.#arrivals.filter(({ to }) => to === by).map(({ event }) => event)
    for (const event of events) if (event.type === 'responded' && event.peer === peer) this.#hand(by, event)
    for (const { inboundId } of untaken.filter(answer => answer.by === by)) {
      this.#hand(by, { type: 'responded', peer, requestId: inboundId })
    }
    if (untaken.length > 0)
      this.#untaken.set(
        peer,
        untaken.filter(answer => answer.by !== by)
      )
  }

  #spread(
    from: PeerId,
    message: { readonly topic: 'shares' | 'templates'; readonly data: Uint8Array; readonly except: PeerId | null }
  ): void {
    const { topic, data, except } = message
    const messageId = `${topic} ${bytesToHex(sha256(data))}`
    this.#had.get(from)?.set(messageId, { type: 'gossip', peer: from, messageId, topic, data })
    for (const [to, { dialect }] of this.#linksOf(from)) {
      if (dialect !== 'ours' || to === except) continue
      this.#send({ from, to, kind: 'gossip', payload: data }, { type: 'gossip', peer: from, messageId, topic, data })
    }
  }

  #send(passing: Passing, event: GossipEvent): void {
    if (!this.#linksOf(passing.from).has(passing.to) || this.loses(passing)) return
    if (event.type === 'gossip') {
      const had = this.#had.get(passing.to)
      // A subscriber is handed each message once.
      if (had?.has(event.messageId)) return
      had?.set(event.messageId, event)
    }
    this.delivered.push(passing)
    this.#arrive(passing.to, passing.from, event)
  }

  #arrive(to: PeerId, from: PeerId, event: GossipEvent): void {
    const link = this.#linksOf(to).get(from)
    if (link === undefined) return
    const arrival = { atMs: this.nowMs + link.latencyMs, order: ++this.#order, to, event }
    let at = this.#arrivals.length
    while (at > 0 && (this.#arrivals[at - 1]?.atMs ?? 0) > arrival.atMs) at--
    this.#arrivals.splice(at, 0, arrival)
  }

  #linksOf(id: PeerId): Map<PeerId, Link> {
    const links = this.#links.get(id)
    invariant(links !== undefined, 'only actors take part')
    return links
  }
}

function isBetween(a: PeerId, b: PeerId, arrival: { readonly to: PeerId; readonly event: GossipEvent }): boolean {
  const { to, event } = arrival
  const from = 'peer' in event ? event.peer : null
  return (to === a && from === b) || (to === b && from === a)
}
