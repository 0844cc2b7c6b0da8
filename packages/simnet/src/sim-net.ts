import { invariant, type SeededRng } from '@p2poolv2/primitives'
import { happens, logNormal } from './chance.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** How one link behaves, the same in both directions. */
export interface LinkOptions {
  readonly medianLatencyMs: number
  /** Spread of the latency, see `logNormal`. */
  readonly latencySigma: number
  /** Part of the messages that never arrive, 0 to 1. A lost request shows as a time-out. */
  readonly loss: number
  /** Part of the messages that arrive twice. */
  readonly duplication: number
  /** Part of the messages that are held back long enough for later ones to overtake them. */
  readonly reordering: number
  readonly bytesPerSec: number
}

export const DEFAULT_LINK: LinkOptions = {
  medianLatencyMs: 100,
  latencySigma: 0.25,
  loss: 0,
  duplication: 0,
  reordering: 0,
  bytesPerSec: 1_250_000
}

/** What travels: a size for the line and the bytes' effect at the other end. */
export interface Parcel {
  readonly sizeBytes: number
  /** Runs where the parcel arrives: once, twice or never. */
  readonly arrives: () => void
}

interface Link {
  readonly options: LinkOptions
  readonly rng: SeededRng
  /** For each direction (from the lower number first): when the line is free again; a message waits for those before it. */
  readonly freeAtMs: [number, number]
  /** When the newest message in order arrives: a stream keeps its order unless told otherwise. */
  readonly lastArrivalMs: [number, number]
}

/** Longest extra delay of a message that is overtaken. */
const REORDER_EXTRA_MS = 500
/** Node numbers stay below it, so that a pair of them makes one key. */
const MAX_NODES = 1 << 20

/**
 * The virtual network: who is linked to whom, and when a message arrives. Messages between nodes in different parts of a
 * partition are lost. It carries closures, so nothing is copied or encoded twice; sizes are given for bandwidth.
 */
export class SimNet {
  readonly #clock: VirtualClock
  readonly #rng: SeededRng
  readonly #links = new Map<number, Link>()
  readonly #neighbours: number[][] = []
  /** Which part of a partition a node is in; none for all when there is no partition. */
  readonly #part = new Map<number, number>()
  readonly #bytesSent: number[] = []
  /** Replaces the links' own values while a fault is on. */
  #disturbance: Partial<LinkOptions> | null = null
  #messages = 0

  constructor(clock: VirtualClock, rng: SeededRng) {
    this.#clock = clock
    this.#rng = rng
  }

  link(a: number, b: number, options: LinkOptions): void {
    invariant(a !== b && a >= 0 && b >= 0 && a < MAX_NODES && b < MAX_NODES, 'a link is between two nodes')
    const key = linkKey(a, b)
    const rng = this.#rng.fork(a < b ? `link:${a}-${b}` : `link:${b}-${a}`)
    if (!this.#links.has(key)) {
      insertSorted(this.#neighboursOf(a), b)
      insertSorted(this.#neighboursOf(b), a)
    }
    this.#links.set(key, { options, rng, freeAtMs: [0, 0], lastArrivalMs: [0, 0] })
  }

  unlink(a: number, b: number): void {
    if (!this.#links.delete(linkKey(a, b))) return
    this.#neighbours[a] = this.#neighboursOf(a).filter(node => node !== b)
    this.#neighbours[b] = this.#neighboursOf(b).filter(node => node !== a)
  }

  /** Linked nodes in ascending order. */
  neighbours(node: number): readonly number[] {
    return this.#neighboursOf(node)
  }

  /** Cuts the network: nodes in different lists no longer reach each other; nodes in no list form one more part. */
  partition(parts: readonly (readonly number[])[]): void {
    this.#part.clear()
    parts.forEach((nodes, i) => {
      for (const node of nodes) this.#part.set(node, i + 1)
    })
  }

  heal(): void {
    this.#part.clear()
  }

  /** Makes every link behave like this on top of what it is, for example lose messages; null ends it. */
  disturb(disturbance: Partial<LinkOptions> | null): void {
    this.#disturbance = disturbance
  }

  connected(a: number, b: number): boolean {
    return this.#links.has(linkKey(a, b)) && this.samePart(a, b)
  }

  samePart(a: number, b: number): boolean {
    return this.#part.size === 0 || (this.#part.get(a) ?? 0) === (this.#part.get(b) ?? 0)
  }

  bytesSent(node: number): number {
    return this.#bytesSent[node] ?? 0
  }

  get messages(): number {
    return this.#messages
  }

  /**
   * Sends to a neighbour. Bandwidth is used up and chance is drawn whether or not it gets there.
   * @returns when the line has carried its last byte
   */
  send(from: number, to: number, parcel: Parcel): number {
    const link = this.#links.get(linkKey(from, to))
    if (link === undefined) return this.#clock.nowMs
    this.#messages += 1
    this.#bytesSent[from] = this.bytesSent(from) + parcel.sizeBytes
    const { rng } = link
    const options = this.#disturbance === null ? link.options : { ...link.options, ...this.#disturbance }
    const direction = from < to ? 0 : 1
    const sentMs =
      Math.max(this.#clock.nowMs, link.freeAtMs[direction]) + (parcel.sizeBytes / options.bytesPerSec) * 1_000
    link.freeAtMs[direction] = sentMs
    if (options.loss > 0 && happens(rng, options.loss)) return sentMs
    const copies = options.duplication > 0 && happens(rng, options.duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      let arrivalMs = sentMs + logNormal(rng, options.medianLatencyMs, options.latencySigma)
      if (options.reordering > 0 && happens(rng, options.reordering)) {
        arrivalMs += happens(rng, 0.5) ? REORDER_EXTRA_MS : REORDER_EXTRA_MS / 2
      } else {
        arrivalMs = Math.max(arrivalMs, link.lastArrivalMs[direction])
        link.lastArrivalMs[direction] = arrivalMs
      }
      // Asked again on arrival: a cable cut while the message is under way loses it.
      this.#clock.at(arrivalMs, () => {
        if (this.connected(from, to)) parcel.arrives()
      })
    }
    return sentMs
  }

  #neighboursOf(node: number): number[] {
    let known = this.#neighbours[node]
    if (known === undefined) {
      known = []
      this.#neighbours[node] = known
    }
    return known
  }
}

function linkKey(a: number, b: number): number {
  return a < b ? a * MAX_NODES + b : b * MAX_NODES + a
}

function insertSorted(sorted: number[], value: number): void {
  const at = sorted.findIndex(other => other > value)
  sorted.splice(at < 0 ? sorted.length : at, 0, value)
}
