import { BoundedMap } from '@p2poolv2/primitives'

/** Hosts whose use is remembered; at the cap the oldest gets a fresh start. */
const MAX_HOSTS = 4_096
/** What connections of light use that have read more than a little at once may take of a turn of the event loop for the rest of it. */
export const TURN_MS = 4
/** And what all others together may, in every turn: who has sent little waits no longer than this for who has sent much. */
export const HEAVY_MS = 2
/** A host's use is light while it takes no more of the time than this part of it for long. Ten thousand miners' shares take less. */
export const LIGHT_PART = 0.1
/** Or after a pause, so much at once: a farm logs in. */
export const LIGHT_BURST_MS = 100
/** What a host has of a round of hosts. */
const ROUND_MS = 0.25

/** Of one turn of a reader; what is more was taken by other programs of the computer. */
const LONGEST_MS = 1

/** Somebody who has read something and needs time to judge it. */
export interface Reader {
  /** Judges a little of it, a fraction of a millisecond. @returns whether there is more */
  takeTurn(): 'more' | 'done'
  /** There will be no turn for the rest. */
  letGo(): void
}

export interface HostTurnsOptions {
  /** A stopwatch: milliseconds and their fractions, never stepping back. */
  readonly nowMs: () => number
  /** Calls back when everybody who has something to say has had a chance to be read: `setImmediate`. */
  readonly later: (turn: () => void) => void
  /** What was judged is to be answered now. */
  readonly onServed: () => void
}

/** One host's use of the time, and those of its connections that wait. */
export class HostUse {
  /** Milliseconds that are left of what is light; negative: so much too much, of which no more than a burst is held against it. */
  #allowanceMs = LIGHT_BURST_MS
  #countedAtMs: number
  /** In a round: what it may still take. */
  deficitMs = 0
  readonly waiting = new Set<Reader>()

  constructor(nowMs: number) {
    this.#countedAtMs = nowMs
  }

  isLight(nowMs: number): boolean {
    this.spend(0, nowMs)
    return this.#allowanceMs > 0
  }

  spend(ms: number, nowMs: number): void {
    const grown = this.#allowanceMs + Math.max(0, nowMs - this.#countedAtMs) * LIGHT_PART
    this.#countedAtMs = nowMs
    this.#allowanceMs = Math.max(Math.min(grown, LIGHT_BURST_MS) - ms, -LIGHT_BURST_MS)
  }
}

/**
 * Whose lines are judged when, by the time they take. A host of light use has its lines judged as they come. Who uses much waits in rounds over
 * hosts, and in a host over connections, and all of them together have a small part of each turn of the event loop: however many connections
 * send however much, a miner elsewhere waits for some milliseconds at most. Nothing is dropped, and with nobody else there the whole time is theirs.
 */
export class HostTurns {
  readonly #options: HostTurnsOptions
  /** Kept when their connections are gone: who comes back goes on where it was. */
  readonly #hosts = new BoundedMap<string, HostUse>(MAX_HOSTS)
  /** Hosts that wait, the one whose turn is next first. */
  readonly #light = new Set<HostUse>()
  readonly #heavy = new Set<HostUse>()
  #isDue = false
  /** By the stopwatch: when what waits still is let go. */
  #endsAtMs = Number.POSITIVE_INFINITY

  constructor(options: HostTurnsOptions) {
    this.#options = options
  }

  /** @param name of the host, however many connections it has */
  host(name: string): HostUse {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = new HostUse(this.#options.nowMs())
      this.#hosts.set(name, host)
    }
    return host
  }

  /** The reader has something to judge: now, or when its turn comes. Not to be called anew before it has said that it is done. */
  offer(host: HostUse, reader: Reader): 'done' | 'waits' {
    this.#due()
    // Not one of them waits for another: to stop reading and begin again costs as much as a share.
    const isNow = host.waiting.size === 0 && host.isLight(this.#options.nowMs())
    if (isNow && this.#serve(host, reader).left === 'done') return 'done'
    host.waiting.add(reader)
    if (!this.#heavy.has(host)) this.#light.add(host)
    return 'waits'
  }

  /** The last turns begin: what waits has so much time to be judged, by the same rounds, and then its readers are told that it will not be. */
  endWithin(ms: number): void {
    this.#endsAtMs = Math.min(this.#endsAtMs, this.#options.nowMs() + ms)
    this.#due()
  }

  #due(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#options.later(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isDue = false
    this.#options.onServed()
    this.#rounds(this.#light, TURN_MS)
    this.#rounds(this.#heavy, HEAVY_MS)
    if (this.#options.nowMs() >= this.#endsAtMs) this.#letGo()
    this.#options.onServed()
    if (this.#light.size + this.#heavy.size > 0) this.#due()
  }

  #letGo(): void {
    const hosts = [...this.#light, ...this.#heavy]
    this.#light.clear()
    this.#heavy.clear()
    for (const { waiting } of hosts) {
      const readers = [...waiting]
      waiting.clear()
      for (const reader of readers) reader.letGo()
    }
  }

  /** Deficit round robin: a host whose reader took long is passed over until that is made good. */
  #rounds(hosts: Set<HostUse>, forMs: number): void {
    let leftMs = forMs
    for (const host of hosts) {
      if (leftMs <= 0) return
      hosts.delete(host)
      host.deficitMs += ROUND_MS
      for (const reader of host.waiting) {
        if (host.deficitMs <= 0 || leftMs <= 0) break
        host.waiting.delete(reader)
        const { tookMs, left } = this.#serve(host, reader)
        host.deficitMs -= tookMs
        leftMs -= tookMs
        if (left === 'more') host.waiting.add(reader)
      }
      if (host.waiting.size === 0) host.deficitMs = 0
      else if (host.isLight(this.#options.nowMs())) this.#light.add(host)
      else this.#heavy.add(host)
    }
  }

  #serve(host: HostUse, reader: Reader): { readonly tookMs: number; readonly left: 'more' | 'done' } {
    const { nowMs } = this.#options
    const fromMs = nowMs()
    const left = reader.takeTurn()
    const untilMs = nowMs()
    const tookMs = Math.min(untilMs - fromMs, LONGEST_MS)
    host.spend(tookMs, untilMs)
    return { tookMs, left }
  }
}
