import type { Share } from '@p2poolv2/consensus'
import type { MinerId, NodeCore, NodeEffect, NodeEvent, NodeQueries, StopReason } from '@p2poolv2/node'
import type { BlockHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { Clock } from '@p2poolv2/runtime'
import type { ShareStore } from '@p2poolv2/sharechain'
import { CommitQueue } from './commit-queue.ts'
import type { Telemetry } from './telemetry.ts'

/**
 * Miner events held back while the disk is behind. Past this a miner that goes on sending is disconnected: its lines
 * would be answered minutes late anyway, and it has other pools to go to.
 */
export const MAX_HELD_EVENTS = 10_000

/** The longest time a Node.js timer can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** What the application gives the node to act with. Calls return at once; none of them throws. */
export interface NodePorts {
  sendMiner(miner: MinerId, text: string): void
  closeMiner(miner: MinerId, reason: string): void
  /** To every bitcoin node at once. Answers come back as `blockResult` events. */
  submitBlock(block: { readonly blockHash: BlockHash; readonly bitcoinHeight: number; readonly blockHex: string }): void
  /** To peers; absent when there is no network. */
  publish?(share: Share): void
  /** The machine has ended. Deltas given may still be on their way to disk: see `NodeShell.stop`. */
  stopped(reason: StopReason): void
}

export interface NodeShellOptions {
  readonly core: NodeCore
  readonly clock: Clock
  readonly store: Pick<ShareStore, 'commit' | 'readShares'>
  readonly ports: NodePorts
  readonly telemetry: Telemetry
  /** Deltas that may wait for the disk before miner lines have to; default `MAX_QUEUED_COMMITS`. */
  readonly maxQueuedCommits?: number
}

/** Runs one `NodeCore`: hands it events, performs what it asks for, wakes it when it wants to be woken. */
export class NodeShell {
  readonly #options: NodeShellOptions
  readonly #commits: CommitQueue
  #inbox: NodeEvent[] = []
  #working = false
  /** In the order they came. */
  #held: HeldEvent[] = []
  #timer: NodeJS.Timeout | null = null
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: NodeShellOptions) {
    this.#options = options
    this.#commits = new CommitQueue({
      store: options.store,
      onCommitted: sequence => {
        this.#releaseHeld()
        this.post({ type: 'committed', sequence })
      },
      onFailed: error => this.#storeFailed(error),
      ...(options.maxQueuedCommits === undefined ? {} : { maxQueued: options.maxQueuedCommits })
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
    if (this.#state !== 'running' || this.#hold(event)) return
    this.#inbox.push(event)
    if (this.#working) return
    this.#working = true
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) this.#handle(next)
    } finally {
      this.#working = false
      this.#arm()
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
    const { core, clock } = this.#options
    for (const effect of core.handle(event, clock.nowMs())) this.#perform(effect)
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
        ports.publish?.(effect.share)
        break
      case 'sendMiner':
        ports.sendMiner(effect.miner, effect.text)
        break
      case 'closeMiner':
        ports.closeMiner(effect.miner, effect.reason)
        break
      case 'readShares':
        void this.#read(effect)
        return
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

  async #read(effect: Extract<NodeEffect, { type: 'readShares' }>): Promise<void> {
    const { requestId, hashes } = effect
    try {
      this.post({ type: 'sharesRead', requestId, shares: await this.#options.store.readShares(hashes) })
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

  /** @returns whether the event was kept for later, or refused */
  #hold(event: NodeEvent): boolean {
    if (event.type !== 'minerLines' && event.type !== 'minerGone') return false
    if (this.#held.length === 0 && !this.#commits.isFull) return false
    if (event.type === 'minerGone' || this.#held.length < MAX_HELD_EVENTS) {
      this.#held.push(event)
      return true
    }
    this.#options.ports.closeMiner(event.miner, 'disk-too-slow')
    return true
  }

  #releaseHeld(): void {
    if (this.#held.length === 0 || !this.#commits.isHalfEmpty) return
    const held = this.#held
    this.#held = []
    for (const event of held) this.post(event)
  }

  /** One timer for whatever is due next. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const { core, clock } = this.#options
    const dueAtMs = core.nextDeadlineMs
    if (this.#state !== 'running' || dueAtMs === null) return
    const waitMs = Math.min(Math.max(0, dueAtMs - clock.nowMs()), MAX_TIMEOUT_MS)
    this.#timer = setTimeout(() => this.post({ type: 'deadline' }), waitMs)
  }

  #end(): void {
    this.#state = 'stopped'
    this.#inbox = []
    this.#held = []
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}

type HeldEvent = Extract<NodeEvent, { type: 'minerLines' | 'minerGone' }>
