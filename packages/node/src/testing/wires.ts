import type { Dialect, PeerId } from '@p2poolv2/gossip'
import type { NodeEffect, NodeEvent } from '../contract.ts'
import type { Rig } from './rig.ts'

/** More deliveries than any test has use for: two nodes that never come to rest. */
const MAX_DELIVERIES = 100_000

/** What one end was given. */
export interface Delivery {
  readonly to: PeerId
  readonly event: NodeEvent
}

/**
 * Wires between a few nodes: what one says reaches the others at once and in order, topic messages are passed on when they
 * are accepted, disks answer. For tests.
 */
export class Wires {
  readonly #rigs = new Map<PeerId, Rig>()
  /** Who is wired to whom, and what each says the other speaks. */
  readonly #peers = new Map<PeerId, Map<PeerId, Dialect>>()
  readonly #queue: Delivery[] = []
  readonly #messages = new Map<string, Extract<NodeEvent, { type: 'gossip' }>>()
  readonly #seen = new Set<string>()
  readonly #requests = new Map<number, { readonly from: PeerId; readonly requestId: number }>()
  #lastId = 0
  /** Everything delivered so far. */
  readonly deliveries: Delivery[] = []

  add(id: PeerId, rig: Rig): Rig {
    this.#rigs.set(id, rig)
    this.#peers.set(id, new Map())
    rig.onEffect = effect => this.#perform(id, effect)
    return rig
  }

  /** @param dialect what both take each other to speak */
  connect(a: PeerId, b: PeerId, dialect: Dialect = 'ours'): void {
    this.#peersOf(a).set(b, dialect)
    this.#peersOf(b).set(a, dialect)
    this.#deliver(a, { type: 'peerConnected', peer: b, direction: 'outbound', dialect })
    this.#deliver(b, { type: 'peerConnected', peer: a, direction: 'inbound', dialect })
    this.settle()
  }

  cut(a: PeerId, b: PeerId): void {
    if (!this.#peersOf(a).delete(b)) return
    this.#peersOf(b).delete(a)
    this.#deliver(a, { type: 'peerGone', peer: b })
    this.#deliver(b, { type: 'peerGone', peer: a })
  }

  /** Delivers until nobody has anything more to say. */
  settle(): void {
    while (this.#queue.length > 0) this.deliverNext()
  }

  deliverNext(): Delivery {
    const next = this.#queue.shift()
    if (next === undefined) throw new Error('something is on its way')
    this.deliveries.push(next)
    if (this.deliveries.length > MAX_DELIVERIES) throw new Error('the nodes never come to rest')
    this.#rig(next.to).handle(next.event)
    return next
  }

  /** Moves all clocks on together, and sends every deadline that comes due on the way. */
  advance(ms: number): void {
    this.settle()
    const rigs = [...this.#rigs.values()]
    const untilMs = Math.max(...rigs.map(rig => rig.nowMs)) + ms
    for (;;) {
      const due = rigs
        .map(rig => ({ rig, atMs: rig.core.nextDeadlineMs ?? Number.POSITIVE_INFINITY }))
        .reduce((a, b) => (b.atMs < a.atMs ? b : a))
      const toMs = Math.min(due.atMs, untilMs)
      for (const rig of rigs) rig.nowMs = Math.max(rig.nowMs, toMs)
      if (due.atMs > untilMs) return
      due.rig.handle({ type: 'deadline' })
      this.settle()
    }
  }

  #perform(from: PeerId, effect: NodeEffect): void {
    switch (effect.type) {
      case 'publish': {
        const message = { type: 'gossip', peer: from, messageId: `message-${++this.#lastId}` } as const
        this.#spread(from, { ...message, topic: effect.topic, data: effect.data })
        break
      }
      case 'verdict': {
        const message = this.#messages.get(effect.messageId)
        if (message !== undefined && effect.verdict === 'accept') this.#spread(from, { ...message, peer: from })
        break
      }
      case 'request': {
        const { peer, requestId, protocol, payload } = effect
        const id = ++this.#lastId
        this.#requests.set(id, { from, requestId })
        if (this.#peersOf(from).has(peer))
          this.#deliver(peer, { type: 'peerRequest', peer: from, requestId: id, protocol, payload })
        else this.#deliver(from, { type: 'requestFailed', requestId, reason: 'closed' })
        break
      }
      case 'respond': {
        const asked = this.#requests.get(effect.requestId)
        if (asked === undefined || !this.#peersOf(from).has(asked.from)) break
        this.#deliver(asked.from, { type: 'peerResponse', requestId: asked.requestId, payload: effect.payload })
        this.#deliver(from, { type: 'responded', peer: asked.from, requestId: effect.requestId })
        break
      }
      case 'dropPeer':
        this.cut(from, effect.peer)
        break
      case 'readShares': {
        const { requestId, hashes } = effect
        this.#deliver(from, {
          type: 'sharesRead',
          for: effect.for,
          requestId,
          hashes,
          shares: this.#rig(from).store.readNow(hashes)
        })
        break
      }
      case 'readArchive': {
        const { requestId, locator, limit } = effect
        const heights = this.#rig(from).store.archiveNow(locator, limit)
        this.#deliver(from, { type: 'archiveRead', requestId, heights })
        break
      }
      case 'readHeaders': {
        const { requestId, hashes } = effect
        const records = this.#rig(from).store.readHeadersNow(hashes)
        this.#deliver(from, {
          type: 'headersRead',
          for: effect.for,
          requestId,
          batches: records.map(record => record?.batch ?? null)
        })
        break
      }
      default:
    }
  }

  /** To every peer in the topics that has not had it. */
  #spread(from: PeerId, message: Extract<NodeEvent, { type: 'gossip' }>): void {
    this.#messages.set(message.messageId, message)
    this.#seen.add(`${from} ${message.messageId}`)
    for (const [peer, dialect] of this.#peersOf(from)) {
      const key = `${peer} ${message.messageId}`
      if (dialect !== 'ours' || this.#seen.has(key)) continue
      this.#seen.add(key)
      this.#deliver(peer, message)
    }
  }

  #deliver(to: PeerId, event: NodeEvent): void {
    this.#queue.push({ to, event })
  }

  #peersOf(id: PeerId): Map<PeerId, Dialect> {
    return this.#peers.get(id) ?? new Map<PeerId, Dialect>()
  }

  #rig(id: PeerId): Rig {
    const rig = this.#rigs.get(id)
    if (rig === undefined) throw new Error('there is no such node')
    return rig
  }
}
