import type { EarningsJson, FiguresJson, SharesJson, StatusJson, TimelineJson } from '@p2poolv2/api/schema'
import { ask, login } from './ask.svelte.ts'
import { EventStreamParser, type StreamEvent } from './event-stream.ts'

/** `connecting`: nothing heard yet. `lost`: something was, and now the node does not answer. */
export type Link = 'connecting' | 'live' | 'lost'

export type TimelineEntry = TimelineJson['entries'][number]
export type ChainShare = SharesJson['shares'][number]

const STREAM = 'v1/events?topics=status,figures,share,timeline,earnings'
const RETRY_MS = { first: 500, most: 8_000 }
/** After so much silence the stream is opened anew: a line that went dead closes no socket. */
const SILENCE_MS = 20_000
/** More than a picture shows. */
const MAX_CONFIRMED = 100
/** As many as the node keeps. */
const MAX_TIMELINE = 500

/** The node as its event stream tells it, opened again by itself however it ended. */
export class LiveNode {
  status = $state.raw<StatusJson | null>(null)
  figures = $state.raw<FiguresJson | null>(null)
  earnings = $state.raw<EarningsJson | null>(null)
  /** Shares as they were confirmed, the newest first. */
  confirmed = $state.raw<readonly ChainShare[]>([])
  /** Newest first. */
  timeline = $state.raw<readonly TimelineEntry[]>([])
  link = $state<Link>('connecting')
  /** Unix milliseconds of the last word from the node. */
  heardAtMs = $state(0)
  /** How often the stream was opened: what was asked beside it is asked again when this rises. */
  sessions = $state(0)

  #stream = new AbortController()
  #retryMs = RETRY_MS.first
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @returns how to end it */
  start(): () => void {
    const wake = (): void => {
      if (document.visibilityState === 'visible' && this.link !== 'live') this.open()
    }
    document.addEventListener('visibilitychange', wake)
    this.open()
    // A proxy may hold back a stream: what stands still is shown without it.
    void this.#readStatus().catch(() => undefined)
    return () => {
      document.removeEventListener('visibilitychange', wake)
      clearTimeout(this.#timer)
      this.#stream.abort()
    }
  }

  /** Opens the stream now, in place of the one that is open or waited for. */
  open(): void {
    clearTimeout(this.#timer)
    this.#stream.abort()
    const stream = new AbortController()
    this.#stream = stream
    void this.#listen(stream.signal).catch(() => {
      if (!stream.signal.aborted) this.#lost()
    })
  }

  /** Resolves never: a stream that ends is an error. */
  async #listen(ending: AbortSignal): Promise<never> {
    const answer = await ask(STREAM, { signal: ending, cache: 'no-store' })
    if (answer.body === null) throw new TypeError('an answer without a body')
    this.sessions += 1
    this.timeline = []
    this.confirmed = []
    this.#heard()
    void this.#readTimeline(ending).catch(() => undefined)
    const parser = new EventStreamParser()
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    while (true) {
      const { done, value } = await reader.read()
      if (done) throw new Error('the stream ended')
      this.#heard()
      for (const event of parser.feed(value)) this.#take(event)
    }
  }

  #take({ type, data }: StreamEvent): void {
    const body: unknown = JSON.parse(data)
    if (type === 'status') this.status = body as StatusJson
    if (type === 'figures') this.figures = body as FiguresJson
    if (type === 'earnings') this.earnings = body as EarningsJson
    if (type === 'share') this.confirmed = [body as ChainShare, ...this.confirmed].slice(0, MAX_CONFIRMED)
    if (type === 'timeline') this.#addToTimeline([body as TimelineEntry])
  }

  async #readStatus(): Promise<void> {
    const answer = await ask('v1/status')
    const status = (await answer.json()) as StatusJson
    this.status ??= status
  }

  async #readTimeline(ending: AbortSignal): Promise<void> {
    const answer = await ask(`v1/timeline?limit=${MAX_TIMELINE}`, { signal: ending })
    this.#addToTimeline(((await answer.json()) as TimelineJson).entries)
  }

  /** The stream and the answer overlap; ids tell. */
  #addToTimeline(entries: readonly TimelineEntry[]): void {
    const known = new Set(this.timeline.map(({ id }) => id))
    const fresh = entries.filter(({ id }) => !known.has(id))
    if (fresh.length === 0) return
    this.timeline = [...fresh, ...this.timeline].sort((a, b) => b.id - a.id).slice(0, MAX_TIMELINE)
  }

  #heard(): void {
    this.link = 'live'
    this.heardAtMs = Date.now()
    this.#retryMs = RETRY_MS.first
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.open(), SILENCE_MS)
  }

  #lost(): void {
    this.#stream.abort()
    if (this.link === 'live') this.link = 'lost'
    clearTimeout(this.#timer)
    // Without a login every try would be refused: it opens when there is one.
    if (login.wanted) return
    this.#timer = setTimeout(() => this.open(), this.#retryMs)
    this.#retryMs = Math.min(RETRY_MS.most, this.#retryMs * 2)
  }
}

export const live = new LiveNode()
