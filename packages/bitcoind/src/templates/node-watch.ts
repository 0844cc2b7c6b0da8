import { type BlockTemplate, emptyTemplate } from '@p2poolv2/bitcoin'
import { type BlockHash, bytesEqual } from '@p2poolv2/primitives'
import type { BitcoindConfig, BitcoindStatus } from '../config.ts'
import { getBestBlockHash, getChainInfo, getTemplate, getTip } from '../rpc/node-answers.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { Bell, backOffMs, pause } from '../waiting.ts'
import type { FeedTimings } from './feed-timings.ts'
import { behind, stateOfError, wrongNetwork } from './preflight.ts'
import { zmqProblem } from './zmq-finding.ts'
import { ZmqHashblock } from './zmq-hashblock.ts'

/** What made us ask for, or be given, a template; `empty-first`: we made it, since the node's own takes a while. */
export type TemplateCause = 'connected' | 'zmq' | 'tip-poll' | 'long-poll' | 'refresh' | 'empty-first'

export interface NodeWatchOptions {
  readonly node: BitcoindConfig
  /** Accepted values of `getblockchaininfo`'s `chain`. */
  readonly chains: readonly string[]
  readonly timings: FeedTimings
  readonly longPoll: 'on' | 'off'
  readonly emptyFirst: 'on' | 'off'
}

export interface NodeWatchPorts {
  readonly onTemplate: (template: BlockTemplate, cause: TemplateCause) => void
  readonly onStatus: (status: BitcoindStatus) => void
  readonly whenFree?: (() => Promise<void>) | undefined
}

type NotReadyState = 'syncing' | 'misconfigured'

/** The node answers, but cannot be mined with now. */
class NotReadyError extends Error {
  readonly state: NotReadyState

  constructor(state: NotReadyState, message: string) {
    super(message)
    this.name = 'NotReadyError'
    this.state = state
  }
}

/**
 * Watches one node: whether it can be used and, while it is the one in use (`lead`), its templates. Failures become
 * statuses and further attempts, for ever.
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions
  readonly #ports: NodeWatchPorts
  readonly #client: RpcClient
  readonly #due = new Bell()
  #status: BitcoindStatus
  #chain = ''
  #role: 'lead' | 'standby' = 'standby'
  #roleEnds = new AbortController()
  /** Ends the work ahead of a template: there is a newer tip, or another role. */
  #aheadEnds = new AbortController()
  /** Why notices are not heard: on our side, and on the node's. */
  #zmqTrouble: { ours: string | null; theirs: string | null } = { ours: null, theirs: null }
  /** The last word of a new tip came by zmq. A long poll would only have the node make each template twice. */
  #hearsByZmq = false
  /** The tip we have a template for, or have already decided to ask a template for. */
  #wantedTip: BlockHash | null = null
  #wantedBy: TemplateCause = 'refresh'
  #latest: { readonly template: BlockTemplate; readonly atMs: number } | null = null
  /** How long the last one took. */
  #fetchedWithinMs = 0
  #passedOn: { readonly template: BlockTemplate; readonly atMs: number } | null = null

  constructor(options: NodeWatchOptions, ports: NodeWatchPorts) {
    this.#options = options
    this.#ports = ports
    this.#client = new RpcClient({ ...options.node, timeoutMs: options.timings.callTimeoutMs })
    this.#status = { url: this.#client.url, state: 'starting', bitcoinHeight: null, message: null }
  }

  get status(): BitcoindStatus {
    return this.#status
  }

  /** `lead`: pass on templates. `standby`: only look whether the node could be used. */
  setRole(role: 'lead' | 'standby'): void {
    if (role === this.#role) return
    this.#role = role
    this.#passedOn = null
    this.#roleEnds.abort()
    this.#aheadEnds.abort()
    this.#roleEnds = new AbortController()
  }

  /** Resolves after `signal`, with everything let go of. Rejects for a bug only. */
  async run({ signal }: { signal: AbortSignal }): Promise<void> {
    const zmq = this.#zmqReader()
    const zmqEnded = zmq?.run()
    const { retryMinMs, retryMaxMs } = this.#options.timings
    let attempt = 0
    try {
      while (!signal.aborted) {
        const fromMs = performance.now()
        try {
          await this.#connect(signal)
          await this.#follow(signal)
        } catch (error) {
          if (signal.aborted) break
          this.#setStatus(this.#statusOf(error))
        }
        // A node that served for a while deserves a quick first attempt; one that fails at once every time does not.
        if (performance.now() - fromMs > retryMaxMs) attempt = 0
        await pause(backOffMs(attempt++, { minMs: retryMinMs, maxMs: retryMaxMs }), signal)
      }
    } finally {
      this.#aheadEnds.abort()
      zmq?.close()
      this.#client.close()
      await zmqEnded
    }
  }

  #zmqReader(): ZmqHashblock | null {
    const address = this.#options.node.zmqHashblock
    if (address === undefined || address === '') return null
    return new ZmqHashblock({
      address,
      onHash: hash => this.#tipSeen(hash, 'zmq'),
      onMissed: count => this.#options.node.observer?.missedNotices(count),
      onProblem: message => {
        this.#zmqTrouble.ours = message
        if (this.#status.state === 'ready') this.#setStatus({ ...this.#status, message })
      }
    })
  }

  /** Everything a node must pass before it is used. */
  async #connect(signal: AbortSignal): Promise<void> {
    await this.#look(signal)
    const address = this.#options.node.zmqHashblock
    const timeoutMs = this.#options.timings.callTimeoutMs
    if (address !== undefined && address !== '') {
      this.#zmqTrouble.theirs = await zmqProblem(this.#client, address, { signal, timeoutMs })
    }
    this.#take(await this.#fetch(signal), 'connected')
  }

  async #look(signal: AbortSignal): Promise<number> {
    const info = await getChainInfo(this.#client, { signal })
    this.#chain = info.chain
    const network = wrongNetwork(this.#client, info, this.#options.chains)
    if (network !== null) throw new NotReadyError('misconfigured', network)
    const syncing = behind(this.#client, info)
    if (syncing !== null) {
      this.#status = { ...this.#status, bitcoinHeight: info.blocks }
      throw new NotReadyError('syncing', syncing)
    }
    return info.blocks
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const role = this.#role
      const scope = new AbortController()
      const loops = role === 'lead' ? this.#leadLoops(scope.signal) : [this.#standby(scope.signal)]
      const end = (): void => scope.abort()
      const roleEnds = this.#roleEnds.signal
      signal.addEventListener('abort', end)
      roleEnds.addEventListener('abort', end)
      if (signal.aborted || roleEnds.aborted) end()
      try {
        await Promise.all(loops)
      } finally {
        end()
        signal.removeEventListener('abort', end)
        roleEnds.removeEventListener('abort', end)
        await Promise.allSettled(loops)
      }
    }
  }

  #leadLoops(scope: AbortSignal): Promise<void>[] {
    const { latest, fresh } = { latest: this.#latest, fresh: this.#latestAgeMs() < this.#options.timings.tipPollMs }
    if (latest !== null && fresh) this.#passOn(latest.template, 'connected')
    else this.#due.ring()
    const loops = [this.#pollTip, this.#fetchWhenDue, this.#pollLong]
    return loops.map(loop => this.#until(scope, () => loop.call(this, scope)))
  }

  /** A call that fails because its scope ended is no failure. */
  async #until(scope: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!scope.aborted || !(error instanceof RpcError)) throw error
    }
  }

  #standby(scope: AbortSignal): Promise<void> {
    return this.#until(scope, async () => {
      while (!scope.aborted) {
        await pause(this.#options.timings.standbyPollMs, scope)
        if (scope.aborted) return
        this.#setReady(await this.#look(scope))
      }
    })
  }

  async #pollTip(scope: AbortSignal): Promise<void> {
    while (!scope.aborted) {
      await pause(this.#options.timings.tipPollMs, scope)
      if (scope.aborted) return
      this.#tipSeen(await getBestBlockHash(this.#client, { signal: scope }), 'tip-poll')
    }
  }

  async #fetchWhenDue(scope: AbortSignal): Promise<void> {
    while (!scope.aborted) {
      await this.#due.wait(this.#options.timings.refreshMs, scope)
      if (scope.aborted) return
      const cause = this.#wantedBy
      this.#wantedBy = 'refresh'
      const before = this.#latest
      const template = await this.#fetch(scope)
      await this.#lookAtJump(template, scope)
      this.#takeUnlessOvertaken(template, { cause, before })
    }
  }

  async #pollLong(scope: AbortSignal): Promise<void> {
    const { refreshMs, longPollTimeoutMs, tipPollMs } = this.#options.timings
    while (!scope.aborted && this.#options.longPoll === 'on') {
      if (this.#hearsByZmq) {
        await pause(tipPollMs, scope)
        continue
      }
      const longPollId = this.#latest?.template.longPollId ?? null
      if (longPollId === null) return
      const fromMs = performance.now()
      const before = this.#latest
      const { whenFree } = this.#ports
      const wish = { chain: this.#chain, longPollId, timeoutMs: longPollTimeoutMs, signal: scope, whenFree }
      const template = await getTemplate(this.#client, wish).catch(error => {
        if (error instanceof RpcError && error.code === 'timed-out') return null // nothing new for minutes: ask again
        throw error
      })
      if (template === null) continue
      await this.#lookAtJump(template, scope)
      const nothingNew = before !== null && sameWork(template, before.template)
      this.#takeUnlessOvertaken(template, { cause: 'long-poll', before })
      // A server that answers at once with what we had does not know long polls.
      if (nothingNew && performance.now() - fromMs < tipPollMs) await pause(refreshMs, scope)
    }
  }

  /** A chain that goes back or leaps may be another one: somebody may have put another node behind the address. */
  async #lookAtJump({ bitcoinHeight }: BlockTemplate, scope: AbortSignal): Promise<void> {
    const before = this.#latest?.template.bitcoinHeight ?? bitcoinHeight
    if (bitcoinHeight < before || bitcoinHeight > before + 2) await this.#look(scope)
  }

  async #fetch(signal: AbortSignal): Promise<BlockTemplate> {
    const timeoutMs = this.#options.timings.templateTimeoutMs
    const fromMs = performance.now()
    const wish = { chain: this.#chain, timeoutMs, signal, whenFree: this.#ports.whenFree }
    const template = await getTemplate(this.#client, wish)
    this.#fetchedWithinMs = performance.now() - fromMs
    return template
  }

  #tipSeen(hash: BlockHash, cause: TemplateCause): void {
    if (cause === 'zmq') this.#hearsByZmq = true
    if (this.#role !== 'lead' || hash === this.#wantedTip) return
    if (cause !== 'zmq') this.#hearsByZmq = false
    this.#wantedTip = hash
    this.#wantedBy = cause
    if (this.#options.emptyFirst === 'on') void this.#workAhead(hash)
    else this.#due.ring()
  }

  /**
   * Passes on a template without transactions for a tip the node has just named, unless its own template is quicker. That one
   * follows; where it is the same work it is not passed on again.
   */
  async #workAhead(hash: BlockHash): Promise<void> {
    this.#aheadEnds.abort()
    this.#aheadEnds = new AbortController()
    const scope = this.#aheadEnds.signal
    const { callTimeoutMs, emptyFirstAfterMs } = this.#options.timings
    const waited = pause(emptyFirstAfterMs, scope)
    // A node that does not answer this is asked for its template as ever.
    const asked = getTip(this.#client, hash, { signal: scope, timeoutMs: callTimeoutMs }).catch(error => {
      if (error instanceof RpcError) return null
      throw error
    })
    // The template is asked for behind it: making one keeps the node from answering anything else about the chain.
    void Promise.race([asked, waited]).finally(() => this.#due.ring())
    const tip = await asked
    // A template that took longer the last time will not be there in time now.
    if (this.#fetchedWithinMs <= emptyFirstAfterMs) await waited
    const latest = this.#latest
    if (tip === null || latest === null || scope.aborted || this.#wantedTip !== hash) return
    if (latest.template.prevHash === hash) return
    const nowSec = latest.template.curTimeSec + Math.floor(this.#latestAgeMs() / 1000)
    const template = emptyTemplate(tip, { chain: this.#chain, before: latest.template, nowSec })
    if (template === null) return
    // Who finds a block with it is not too late by a chain that is gone.
    this.#setStatus({ ...this.#status, bitcoinHeight: template.bitcoinHeight - 1 })
    this.#passOn(template, 'empty-first')
  }

  /**
   * Answers come over several connections, so one of before a block may arrive after one of behind it. An answer that
   * would step back, to a question asked before what we have came (`before` was the latest then), is asked again.
   */
  #takeUnlessOvertaken(template: BlockTemplate, asked: { cause: TemplateCause; before: object | null }): void {
    const latest = this.#latest
    const overtaken = latest !== null && latest !== asked.before && template.prevHash !== latest.template.prevHash
    if (overtaken && template.bitcoinHeight <= latest.template.bitcoinHeight) this.#due.ring()
    else this.#take(template, asked.cause)
  }

  #take(template: BlockTemplate, cause: TemplateCause): void {
    this.#latest = { template, atMs: performance.now() }
    if (template.prevHash !== this.#wantedTip) this.#hearsByZmq = false
    this.#wantedTip = template.prevHash
    this.#setReady(template.bitcoinHeight - 1)
    if (this.#role === 'lead') this.#passOn(template, cause)
  }

  #passOn(template: BlockTemplate, cause: TemplateCause): void {
    const nowMs = performance.now()
    const last = this.#passedOn
    const recent = last !== null && nowMs - last.atMs < this.#options.timings.refreshMs / 2
    // zmq, long poll and the tip poll all speak of the same block: the first one counts.
    if (recent && sameWork(last.template, template)) return
    this.#passedOn = { template, atMs: nowMs }
    this.#ports.onTemplate(template, cause)
  }

  #latestAgeMs(): number {
    return this.#latest === null ? Number.POSITIVE_INFINITY : performance.now() - this.#latest.atMs
  }

  #statusOf(error: unknown): BitcoindStatus {
    const { url, bitcoinHeight } = this.#status
    if (error instanceof RpcError) return { url, state: stateOfError(error), bitcoinHeight, message: error.message }
    if (error instanceof NotReadyError) return { url, state: error.state, bitcoinHeight, message: error.message }
    throw error
  }

  #setReady(bitcoinHeight: number): void {
    const message = this.#zmqTrouble.ours ?? this.#zmqTrouble.theirs
    this.#setStatus({ url: this.#status.url, state: 'ready', bitcoinHeight, message })
  }

  #setStatus(status: BitcoindStatus): void {
    const { state, bitcoinHeight, message } = this.#status
    const same = state === status.state && bitcoinHeight === status.bitcoinHeight && message === status.message
    this.#status = status
    if (!same) this.#ports.onStatus(status)
  }
}

/** Whether two templates lead to the same jobs but for the time. The witness commitment stands for all transactions. */
export function sameWork(a: BlockTemplate, b: BlockTemplate): boolean {
  return (
    a.prevHash === b.prevHash &&
    a.bits === b.bits &&
    a.version === b.version &&
    a.minTimeSec === b.minTimeSec &&
    a.coinbaseValueSats === b.coinbaseValueSats &&
    bytesEqual(a.merkleBranch, b.merkleBranch) &&
    bytesEqual(a.witnessCommitmentScript ?? new Uint8Array(0), b.witnessCommitmentScript ?? new Uint8Array(0))
  )
}
