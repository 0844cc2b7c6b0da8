import { BoundedMap, bytesEqual, bytesToHex } from '@p2poolv2/primitives'
import { type ChainDelta, MemoryStore, type StoreIdentity } from '@p2poolv2/sharechain'
import type { VirtualClock } from './virtual-clock.ts'

/** Values kept for others who write the very same, as those do who are on one chain; the oldest goes. */
const POOLED_VALUES = 5_000
/** Smaller values are not worth sharing. */
const MIN_POOLED_BYTES = 200

/**
 * Lets virtual disks that hold the same bytes hold them once: every node stores every share. It changes nothing that a node
 * could see, only what the process needs.
 */
export class DiskPool {
  readonly #values = new BoundedMap<string, Uint8Array>(POOLED_VALUES)

  pooled(delta: ChainDelta): ChainDelta {
    return { ...delta, puts: delta.puts.map(({ key, value }) => ({ key, value: this.#pooledValue(key, value) })) }
  }

  #pooledValue(key: Uint8Array, value: Uint8Array): Uint8Array {
    if (value.length < MIN_POOLED_BYTES) return value
    const name = bytesToHex(key)
    const known = this.#values.get(name)
    if (known !== undefined && bytesEqual(known, value)) return known
    this.#values.set(name, value)
    return value
  }
}

export interface SimStoreOptions {
  readonly identity: StoreIdentity
  readonly commitMs: number
  readonly readMs: number
  readonly pool: DiskPool
}

interface Read {
  readonly afterSequence: number
  readonly go: () => void
}

/**
 * A node's disk. Deltas are written one at a time in order, each taking its time; what is written survives a crash, what
 * waits does not. A stalled disk takes orders and does nothing.
 */
export class SimStore {
  readonly #options: SimStoreOptions
  readonly #clock: VirtualClock
  readonly #disk: MemoryStore
  #waiting: { readonly delta: ChainDelta; readonly onDone: () => void }[] = []
  /** Whose time has come, but not their turn. */
  #reads: Read[] = []
  #isBusy = false
  #isStalled = false
  #commitMs: number
  /** Raised by a crash: what is under way then comes to nothing. */
  #life = 0
  #mostWaiting = 0

  constructor(options: SimStoreOptions, clock: VirtualClock) {
    this.#options = options
    this.#clock = clock
    this.#commitMs = options.commitMs
    this.#disk = new MemoryStore(options.identity)
  }

  /** What is on the platters. */
  get disk(): MemoryStore {
    return this.#disk
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** The longest the queue has been. */
  get mostWaiting(): number {
    return this.#mostWaiting
  }

  commit(delta: ChainDelta, onDone: () => void): void {
    this.#waiting.push({ delta, onDone })
    this.#mostWaiting = Math.max(this.#mostWaiting, this.#waiting.length)
    this.#writeNext()
  }

  /**
   * A question to the disk, answered from what is on it by then: not before the delta `afterSequence` is written, if that is
   * still on its way.
   */
  read<T>(
    read: { readonly afterSequence: number; readonly question: (disk: MemoryStore) => T },
    onDone: (answer: T) => void
  ): void {
    this.#readLater({ afterSequence: read.afterSequence, go: () => onDone(read.question(this.#disk)) })
  }

  /** @param commitMs what a write takes from now on; null for what it took at first */
  slowDown(commitMs: number | null): void {
    this.#commitMs = commitMs ?? this.#options.commitMs
  }

  stall(): void {
    this.#isStalled = true
  }

  resume(): void {
    this.#isStalled = false
    for (const read of this.#reads.splice(0)) this.#readLater(read)
    this.#writeNext()
  }

  /** Memory is lost; the batch that was being written is not there, as batches are atomic. */
  crash(): void {
    this.#life += 1
    this.#waiting = []
    this.#reads = []
    this.#isBusy = false
  }

  #readLater(read: Read): void {
    const life = this.#life
    this.#clock.after(this.#options.readMs, () => {
      if (life !== this.#life) return
      if (this.#isStalled || this.#isOnItsWay(read.afterSequence)) this.#reads.push(read)
      else read.go()
    })
  }

  #isOnItsWay(sequence: number): boolean {
    const first = this.#waiting[0]
    return first !== undefined && first.delta.sequence <= sequence
  }

  #answerReads(): void {
    const ready = this.#reads.filter(read => !this.#isOnItsWay(read.afterSequence))
    if (ready.length === 0) return
    this.#reads = this.#reads.filter(read => this.#isOnItsWay(read.afterSequence))
    for (const read of ready) read.go()
  }

  #writeNext(): void {
    if (this.#isBusy || this.#isStalled || this.#waiting.length === 0) return
    this.#isBusy = true
    const life = this.#life
    this.#clock.after(this.#commitMs, () => {
      if (life !== this.#life) return
      this.#isBusy = false
      if (this.#isStalled) return
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#disk.commitNow(this.#options.pool.pooled(next.delta))
      next.onDone()
      if (life !== this.#life) return
      this.#answerReads()
      this.#writeNext()
    })
  }
}
