import type { PeerEffect } from '@p2poolv2/gossip'
import type {
  AccountingDelta,
  FiguresDelta,
  MinerId,
  NodeCore,
  NodeEffect,
  NodeEvent,
  NodeQueries,
  StopReason
} from '@p2poolv2/node'
import type { BlockHash, ShareHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { Clock } from '@p2poolv2/runtime'
import type { ShareStore } from '@p2poolv2/sharechain'
import type { SessionOutput } from '@p2poolv2/stratum'
import { CommitQueue } from './commit-queue.ts'
import type { Telemetry } from './telemetry.ts'

/** The longest time a Node.js timer can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** What the application gives the node to act with. Calls return at once; none of them throws. */
export interface NodePorts {
  sendMiner(miner: MinerId, output: SessionOutput): void
  closeMiner(miner: MinerId, reason: string): void
  /** To every bitcoin node at once. Answers come back as `blockResult` events. */
  submitBlock(block: { readonly blockHash: BlockHash; readonly bitcoinHeight: number; readonly blockHex: string }): void
  /** Keeps shares made here that the store does not have yet. Absent: a kill loses those. */
  readonly madeShares?: {
    keep(share: Extract<NodeEffect, { type: 'keepShare' }>): void
    letGo(shareHash: ShareHash): void
    /** The store has every delta up to this one. */
    written(sequence: number): void
  }
  /** Keeps what the pool's own accounting has to keep. Absent in modes without one. */
  keepAccounting?(delta: AccountingDelta): void
  /** Keeps figures of workers and node. Absent: they end with this run. */
  keepFigures?(delta: FiguresDelta): void
  /** Absent when there is no network: then nothing is published and every request fails as `closed`. */
  readonly network?: (effect: PeerEffect) => void
  /** The machine has ended. Deltas given may still be on their way to disk: see `NodeShell.stop`. */
  stopped(reason: StopReason): void
}

/** The machine, or who stands before it. */
export type Machine = Pick<NodeCore, 'handle' | 'nextDeadlineMs' | 'queries'>

export interface NodeShellOptions {
  readonly core: Machine
  readonly clock: Clock
  readonly store: Pick<ShareStore, 'commit' | 'readShares' | 'readHeaders' | 'readArchive'>
  readonly ports: NodePorts
  /** Is told every fact, and how long a turn took that answered submits or brought new work. */
  readonly telemetry: Pick<Telemetry, 'record'> & Partial<Pick<Telemetry, 'took'>>
  /** Deltas that may wait for the disk before shares have to; default `MAX_WAITING_DELTAS`. */
  readonly maxWaitingDeltas?: number
}

/** Runs one `NodeCore`: hands it events, performs what it asks for, wakes it when it wants to be woken. */
export class NodeShell {
  readonly #options: NodeShellOptions
  readonly #commits: CommitQueue
  #inbox: NodeEvent[] = []
  #working = false
  #timer: NodeJS.Timeout | null = null
  #look: NodeJS.Immediate | null = null
  /** What the timer was set for; null when there is none. */
  #dueAtMs: number | null = null
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: NodeShellOptions) {
    this.#options = options
    this.#commits = new CommitQueue({
      store: options.store,
      onCommitted: sequence => {
        options.ports.madeShares?.written(sequence)
        this.post({ type: 'committed', sequence })
      },
      onBacklog: news => this.post({ type: news }),
      onFailed: error => this.#storeFailed(error),
      ...(options.maxWaitingDeltas === undefined ? {} : { maxWaiting: options.maxWaitingDeltas })
    })
  }

  get queries(): NodeQueries {
    return this.#options.core.queries
  }

  /** Deltas waiting for the disk. */
  get commitQueueLength(): number {
    return this.#commits.size
  }

  /** Begins: the machine is called for the first time. Events may be posted from then on. */
  start(): void {
    invariant(this.#state === 'new', 'a shell is started once')
    this.#state = 'running'
    this.post({ type: 'deadline' })
  }

  /** Hands over an event. One posted by a port while effects are performed waits for their end. */
  post(event: NodeEvent): void {
    if (this.#state !== 'running') return
    this.#inbox.push(event)
    if (this.#working) return
    this.#working = true
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) this.#handle(next)
    } finally {
      this.#working = false
      this.#lookSoon()
    }
  }

  /**
   * Stops the machine if it has not ended by itself, and waits until what it gave out is on disk.
   * @param signal aborts the waiting, not the writing
   */
  async stop({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.post({ type: 'shutdown' })
    this.#end()
    if (signal.aborted) return
    let onAbort = (): void => {}
    const aborted = new Promise<void>(resolve => {
      onAbort = resolve
    })
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([this.#commits.drained(), aborted])
    signal.removeEventListener('abort', onAbort)
  }

  #handle(event: NodeEvent): void {
    const { core, clock, telemetry } = this.#options
    const fromMs = performance.now()
    let submits = 0
    let renewals = 0
    for (const effect of core.handle(event, clock.now())) {
      this.#perform(effect)
      if (effect.type !== 'report') continue
      const { type } = effect.fact
      if (type === 'shareAccepted' || type === 'shareRejected') submits += 1
      else if (type === 'jobsRenewed' && effect.fact.miners > 0) renewals += 1
    }
    if (submits + renewals > 0) telemetry.took?.({ submits, renewals, sec: (performance.now() - fromMs) / 1_000 })
  }

  #perform(effect: NodeEffect): void {
    const { ports, telemetry } = this.#options
    switch (effect.type) {
      case 'submitBlock': {
        const { blockHash, bitcoinHeight, blockHex } = effect
        ports.submitBlock({ blockHash, bitcoinHeight, blockHex })
        break
      }
      case 'publish':
      case 'verdict':
      case 'respond':
      case 'penalise':
      case 'otherRules':
      case 'dropPeer':
        ports.network?.(effect)
        break
      case 'request':
        if (ports.network !== undefined) ports.network(effect)
        else this.post({ type: 'requestFailed', requestId: effect.requestId, reason: 'closed' })
        break
      case 'sendMiner':
        ports.sendMiner(effect.miner, effect.output)
        break
      case 'keepShare':
        ports.madeShares?.keep(effect)
        break
      case 'letGoOfShare':
        ports.madeShares?.letGo(effect.shareHash)
        break
      case 'keepFigures':
        ports.keepFigures?.(effect.delta)
        break
      case 'keepAccounting':
        ports.keepAccounting?.(effect.delta)
        break
      case 'closeMiner':
        ports.closeMiner(effect.miner, effect.reason)
        break
      case 'readShares':
      case 'readHeaders':
      case 'readArchive':
        void this.#read(effect)
        break
      case 'commit':
        this.#commits.push(effect.delta)
        break
      case 'report':
        telemetry.record(effect.fact)
        break
      case 'stop':
        this.#end()
        ports.stopped(effect.reason)
        break
      default:
        effect satisfies never
    }
  }

  async #read(effect: Extract<NodeEffect, { type: 'readShares' | 'readHeaders' | 'readArchive' }>): Promise<void> {
    const { store } = this.#options
    const { requestId, afterSequence } = effect
    try {
      await this.#commits.written(afterSequence)
      if (effect.type === 'readShares') {
        const shares = await store.readShares(effect.hashes)
        this.post({ type: 'sharesRead', for: effect.for, requestId, hashes: effect.hashes, shares })
      } else if (effect.type === 'readArchive') {
        const heights = await store.readArchive(effect.locator, effect.limit)
        this.post({ type: 'archiveRead', requestId, heights })
      } else {
        const records = await store.readHeaders(effect.hashes)
        this.post({
          type: 'headersRead',
          for: effect.for,
          requestId,
          batches: records.map(record => record?.batch ?? null)
        })
      }
    } catch (error) {
      this.#storeFailed(error)
    }
  }

  /** A machine that has ended is not told any more, but the operator is. */
  #storeFailed(error: unknown): void {
    const event = { type: 'storeFailed', message: error instanceof Error ? error.message : String(error) } as const
    if (this.#state === 'running') this.post(event)
    else this.#options.telemetry.record(event)
  }

  /** Once in a turn of the event loop, however many events it brings: looks what is due next, when they have all been handled. */
  #lookSoon(): void {
    if (this.#state === 'running') this.#look ??= setImmediate(this.#lookNow)
  }

  readonly #lookNow = (): void => {
    this.#look = null
    const dueAtMs = this.#options.core.nextDeadlineMs
    const waitMs = dueAtMs === null ? null : dueAtMs - this.#options.clock.now().steadyMs
    if (waitMs !== null && waitMs <= 0) this.post({ type: 'deadline' })
    else if (dueAtMs !== this.#dueAtMs) {
      // Most events leave it where it was.
      this.#disarm()
      this.#dueAtMs = dueAtMs
      if (waitMs !== null) this.#timer = setTimeout(this.#due, Math.min(waitMs, MAX_TIMEOUT_MS))
    }
  }

  readonly #due = (): void => {
    this.#disarm()
    this.post({ type: 'deadline' })
  }

  #end(): void {
    this.#state = 'stopped'
    this.#inbox = []
    this.#disarm()
    if (this.#look !== null) clearImmediate(this.#look)
    this.#look = null
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#dueAtMs = null
  }
}
