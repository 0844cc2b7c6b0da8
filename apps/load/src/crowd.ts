import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { BlockWatch } from './block-watch.ts'
import type { CrowdSettings, FromCrowd, ToCrowd } from './crowd-contract.ts'
import type { CrowdMiner, CrowdMinerDeps } from './crowd-miner.ts'
import { Ledger } from './ledger.ts'
import { LoadMiner } from './load-miner.ts'
import { nowMs } from './now.ts'
import { SealedLoadMiner } from './sealed-load-miner.ts'

/** Hashes of one miner before the next one has its turn. */
const TURN_HASHES = 512
/** Work before the event loop may read again. */
const SLICE_MS = 2
/** How often those that are due are looked for. */
const SCHEDULE_MS = 1

type Work = Extract<ToCrowd, { readonly type: 'work' }>

/** All miners of one process: connects them, lets them work as told, counts. */
export class Crowd {
  readonly #settings: CrowdSettings
  readonly #say: (message: FromCrowd) => void
  readonly #ledger = new Ledger()
  readonly #watch = new BlockWatch({ nowMs, onTurn: end => void setImmediate(end) })
  readonly #miners: CrowdMiner[] = []
  #connecting = { startedAtMs: 0, begun: 0, ended: 0 }
  /** Who looks for a share; a miner is in it once. */
  readonly #queue: CrowdMiner[] = []
  readonly #queued = new Set<CrowdMiner>()
  #isPumping = false
  #work: Work | null = null
  #schedule: { readonly startedAtMs: number; given: number; next: number } | null = null
  readonly #left = new Map<CrowdMiner, number>()
  #whenRested: (() => void) | null = null
  #countingSinceMs = nowMs()
  #trafficBefore = { writtenBytes: 0, readBytes: 0 }
  #utilization: EventLoopUtilization = performance.eventLoopUtilization()

  /** @param say how to tell the process that started this one */
  constructor(settings: CrowdSettings, say: (message: FromCrowd) => void) {
    this.#settings = settings
    this.#say = say
  }

  handle(message: ToCrowd): void {
    switch (message.type) {
      case 'connect':
        this.#connecting = { startedAtMs: nowMs(), begun: 0, ended: 0 }
        this.#connectMore()
        break
      case 'work':
        this.#begin(message)
        break
      case 'rest':
        this.#rest(message.waitMs)
        break
      case 'count':
        this.#ledger.clear()
        this.#watch.clear()
        this.#countingSinceMs = nowMs()
        this.#trafficBefore = this.#traffic
        this.#utilization = performance.eventLoopUtilization()
        this.#say({ type: 'counting' })
        break
      case 'tally':
        this.#tally()
        break
      default:
        message satisfies never
    }
  }

  #connectMore(): void {
    const { miners, connectAtOnce } = this.#settings
    const state = this.#connecting
    while (state.begun < miners && state.begun - state.ended < connectAtOnce) {
      this.#miners.push(this.#open(this.#settings.firstMiner + state.begun))
      state.begun += 1
    }
  }

  #open(number: number): CrowdMiner {
    const { host, port, userPrefix, password, userAgent, roots, v2 } = this.#settings
    const common = {
      host,
      port,
      localAddress: loopbackFor(host, number),
      user: `${userPrefix}${number}`,
      userAgent,
      roots
    }
    const deps: CrowdMinerDeps = {
      ledger: this.#ledger,
      watch: this.#watch,
      nowMs,
      onReady: () => this.#oneConnected(),
      onLost: (miner, why) => {
        this.#ledger.lost(why)
        this.#miners.splice(this.#miners.indexOf(miner), 1)
        if (!miner.isReady) this.#oneConnected()
        this.#restIfDone()
      },
      onAnswer: miner => this.#answered(miner)
    }
    return v2 === undefined
      ? new LoadMiner({ ...common, password }, deps)
      : new SealedLoadMiner({ ...common, ...v2 }, deps)
  }

  #oneConnected(): void {
    const state = this.#connecting
    state.ended += 1
    if (state.ended < this.#settings.miners) {
      this.#connectMore()
      return
    }
    const working = this.#miners.filter(miner => miner.isReady).length
    this.#say({ type: 'connected', startedAtMs: state.startedAtMs, endedAtMs: nowMs(), working })
  }

  #begin(work: Work): void {
    this.#work = work
    if (work.quota !== null) for (const miner of this.#miners) this.#left.set(miner, work.quota)
    if (work.sharesPerSec === null) for (const miner of this.#miners) this.#enqueue(miner)
    else {
      this.#schedule = { startedAtMs: nowMs(), given: 0, next: 0 }
      this.#giveDue()
    }
    this.#pump()
  }

  /** Whose turn it is by now, one after the other: the shares come evenly, as those of many miners do. */
  #giveDue(): void {
    const sharesPerSec = this.#work?.sharesPerSec ?? null
    const schedule = this.#schedule
    if (schedule === null || sharesPerSec === null) return
    const due = Math.floor(((nowMs() - schedule.startedAtMs) * sharesPerSec) / 1000)
    const most = Math.min(due - schedule.given, this.#miners.length)
    for (let i = 0; i < most; i++) {
      schedule.next = (schedule.next + 1) % this.#miners.length
      const miner = this.#miners[schedule.next]
      if (miner !== undefined) this.#enqueue(miner)
    }
    schedule.given = due
    setTimeout(() => this.#giveDue(), SCHEDULE_MS)
    this.#pump()
  }

  #enqueue(miner: CrowdMiner): void {
    if (!miner.isReady || this.#queued.has(miner)) return
    this.#queued.add(miner)
    this.#queue.push(miner)
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    const untilMs = nowMs() + SLICE_MS
    let at = 0
    for (; at < this.#queue.length && nowMs() < untilMs; at++) {
      const miner = this.#queue[at]
      if (miner === undefined) continue
      this.#queued.delete(miner)
      if (!miner.work(TURN_HASHES)) this.#enqueue(miner)
    }
    this.#queue.splice(0, at)
    this.#isPumping = false
    if (this.#queue.length > 0 && this.#work !== null) setImmediate(() => this.#pump())
  }

  #answered(miner: CrowdMiner): void {
    const work = this.#work
    if (work?.quota === null && work.sharesPerSec === null) this.#enqueueSoon(miner)
    else if (work !== null && work.quota !== null) {
      const left = (this.#left.get(miner) ?? 1) - 1
      this.#left.set(miner, left)
      if (left > 0 && work.sharesPerSec === null) this.#enqueueSoon(miner)
    }
    this.#restIfDone()
  }

  /** What this turn of the event loop has to say is read first. */
  #enqueueSoon(miner: CrowdMiner): void {
    const isFirst = this.#queue.length === 0
    this.#enqueue(miner)
    if (isFirst) setImmediate(() => this.#pump())
  }

  #rest(waitMs: number): void {
    const isQuota = this.#work !== null && this.#work.quota !== null
    if (!isQuota) this.#stopWork()
    let isOver = false
    const patience = setTimeout(() => this.#whenRested?.(), waitMs)
    this.#whenRested = () => {
      if (isOver) return
      isOver = true
      clearTimeout(patience)
      this.#whenRested = null
      this.#stopWork()
      this.#say({ type: 'rested' })
    }
    this.#restIfDone()
  }

  #stopWork(): void {
    this.#work = null
    this.#schedule = null
    this.#queue.length = 0
    this.#queued.clear()
    this.#left.clear()
  }

  #restIfDone(): void {
    if (this.#whenRested === null) return
    if (this.#queue.length > 0 || this.#miners.some(miner => miner.unanswered > 0)) return
    this.#whenRested()
  }

  get #traffic(): { readonly writtenBytes: number; readonly readBytes: number } {
    let [writtenBytes, readBytes] = [0, 0]
    for (const { traffic } of this.#miners) {
      writtenBytes += traffic.writtenBytes
      readBytes += traffic.readBytes
    }
    return { writtenBytes, readBytes }
  }

  #tally(): void {
    const unanswered = this.#miners.reduce((sum, miner) => sum + miner.unanswered, 0)
    const traffic = this.#traffic
    const { utilization } = performance.eventLoopUtilization(this.#utilization)
    this.#say({
      type: 'tally',
      tally: {
        ...this.#ledger.tally(nowMs() - this.#countingSinceMs, { unanswered }),
        busy: utilization,
        writtenBytes: traffic.writtenBytes - this.#trafficBefore.writtenBytes,
        readBytes: traffic.readBytes - this.#trafficBefore.readBytes,
        blocks: this.#watch.seen()
      }
    })
  }
}

/**
 * Miners that load a server on this computer each come from an address of their own, as others do: servers count by address,
 * and an address has 28,000 ports. Elsewhere the system chooses.
 */
function loopbackFor(host: string, number: number): string | undefined {
  if (host !== '127.0.0.1') return undefined
  return `127.${1 + (number >>> 16)}.${(number >>> 8) & 0xff}.${Math.max(1, number & 0xff)}`
}
