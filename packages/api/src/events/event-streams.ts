import type { ServerResponse } from 'node:http'
import type { EventTopic } from '@p2poolv2/api/schema'
import type { ShareHash } from '@p2poolv2/primitives'
import { Places } from '../gate/places.ts'
import type { JournalListener, TimelineEntry } from './journal.ts'

/** Live viewers at most; one more takes the place of one of the host that has most, or is answered 503 with `retry-after`. */
export const MAX_EVENT_STREAMS = 64
/** Unsent bytes after which a viewer that does not read is disconnected. */
export const MAX_UNSENT_BYTES = 1_048_576
/** Confirmed shares and entries that wait for the next tick; while thousands come, the newest are told. */
const MAX_WAITING = 20
const TICK_MS = 1_000
/** Every so many ticks, where something changed. */
const FIGURES_TICKS = 2
const EARNINGS_TICKS = 10
/** A comment so often keeps proxies from taking a quiet stream for a dead one. */
const COMMENT_TICKS = 15

/** What the streams tell. */
export interface EventSources {
  readonly status: () => object
  readonly figures: () => object
  readonly earnings: () => Promise<object>
  /** Null for one that is not known any more. */
  readonly share: (hash: ShareHash) => object | null
  readonly timeline: (after: number) => readonly TimelineEntry[]
}

interface Viewer {
  readonly address: string
  readonly topics: ReadonlySet<EventTopic>
  /** What it was last told of each topic that has one state. */
  readonly last: Map<EventTopic, string>
}

/** Server-sent events. Nothing is made that nobody listens to. */
export class EventStreams implements JournalListener {
  readonly #sources: EventSources
  readonly #viewers = new Map<ServerResponse, Viewer>()
  readonly #places = new Places<ServerResponse>(MAX_EVENT_STREAMS)
  #shares: ShareHash[] = []
  #entries: TimelineEntry[] = []
  #timer: NodeJS.Timeout | null = null
  #ticks = 0

  constructor(sources: EventSources) {
    this.#sources = sources
  }

  /** Makes room for a viewer from there, if need be and it can be. @returns whether there is room */
  hasRoom(address: string): boolean {
    const room = this.#places.room(address)
    if (typeof room === 'string') return room === 'free'
    this.#left(room.inTheWay)
    room.inTheWay.end()
    return true
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    for (const stream of this.#viewers.keys()) stream.end()
    this.#viewers.clear()
  }

  /**
   * Takes over a response.
   * @param lastId of the newest timeline entry the viewer has; null for one that comes anew
   */
  open(stream: ServerResponse, topics: readonly EventTopic[], lastId: number | null): void {
    stream.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'x-accel-buffering': 'no'
    })
    stream.on('close', () => this.#left(stream))
    const address = stream.socket?.remoteAddress ?? ''
    const viewer: Viewer = { address, topics: new Set(topics), last: new Map() }
    this.#viewers.set(stream, viewer)
    this.#places.take(stream, address)
    if (lastId !== null && viewer.topics.has('timeline')) {
      for (const entry of [...this.#sources.timeline(lastId)].reverse()) write(stream, entryText(entry))
    }
    this.#tellState('status', () => this.#sources.status(), [stream])
    this.#tellState('figures', () => this.#sources.figures(), [stream])
    void this.#tellEarnings([stream])
  }

  told(entry: TimelineEntry): void {
    this.#entries = [...this.#entries, entry].slice(-MAX_WAITING)
  }

  confirmed(share: ShareHash): void {
    this.#shares.push(share)
    if (this.#shares.length > 2 * MAX_WAITING) this.#shares = this.#shares.slice(-MAX_WAITING)
  }

  #left(stream: ServerResponse): void {
    const viewer = this.#viewers.get(stream)
    if (viewer === undefined) return
    this.#viewers.delete(stream)
    this.#places.leave(stream, viewer.address)
  }

  #tick(): void {
    this.#ticks += 1
    const [shares, entries] = [this.#shares.slice(-MAX_WAITING), this.#entries]
    this.#shares = []
    this.#entries = []
    if (this.#viewers.size === 0) return
    const streams = [...this.#viewers.keys()]
    this.#tellState('status', () => this.#sources.status(), streams)
    for (const entry of entries) this.#tellAll('timeline', () => entryText(entry))
    for (const hash of shares) {
      this.#tellAll('share', () => {
        const share = this.#sources.share(hash)
        return share === null ? null : eventText('share', JSON.stringify(share))
      })
    }
    if (this.#ticks % FIGURES_TICKS === 0) this.#tellState('figures', () => this.#sources.figures(), streams)
    if (this.#ticks % EARNINGS_TICKS === 0) void this.#tellEarnings(streams)
    if (this.#ticks % COMMENT_TICKS === 0) for (const stream of streams) write(stream, ': still here\n\n')
  }

  async #tellEarnings(streams: readonly ServerResponse[]): Promise<void> {
    if (!streams.some(stream => this.#viewers.get(stream)?.topics.has('earnings'))) return
    const earnings = await this.#sources.earnings().catch(() => null)
    if (earnings !== null) this.#tellState('earnings', () => earnings, streams)
  }

  /** A topic that has one state is told when it is another than before. */
  #tellState(topic: EventTopic, state: () => object, streams: readonly ServerResponse[]): void {
    let text: string | null = null
    for (const stream of streams) {
      const viewer = this.#viewers.get(stream)
      if (viewer === undefined || !viewer.topics.has(topic)) continue
      text ??= JSON.stringify(state())
      if (viewer.last.get(topic) === text) continue
      viewer.last.set(topic, text)
      write(stream, eventText(topic, text))
    }
  }

  #tellAll(topic: EventTopic, make: () => string | null): void {
    const streams = [...this.#viewers].filter(([, { topics }]) => topics.has(topic)).map(([stream]) => stream)
    if (streams.length === 0) return
    const text = make()
    if (text !== null) for (const stream of streams) write(stream, text)
  }
}

function write(stream: ServerResponse, text: string): void {
  if (stream.writableLength > MAX_UNSENT_BYTES) stream.destroy()
  else stream.write(text)
}

function eventText(topic: EventTopic, json: string): string {
  return `event: ${topic}\ndata: ${json}\n\n`
}

function entryText(entry: TimelineEntry): string {
  return `id: ${entry.id}\n${eventText('timeline', JSON.stringify(entry))}`
}
