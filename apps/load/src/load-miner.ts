import { targetFromDifficulty } from '@p2poolv2/primitives'
import { headerFor, parseNotify, parseSubscription, type Subscription, submitParams } from '@p2poolv2/stratum/client'
import type { Roots } from './crowd-contract.ts'
import type { CrowdMiner, CrowdMinerDeps } from './crowd-miner.ts'
import { LoadLine } from './load-line.ts'
import { type Ground, LoadSubmits } from './load-submits.ts'

const SUBSCRIBE_ID = 1
const AUTHORIZE_ID = 2
const FIRST_SUBMIT_ID = 10
const NOTIFY = /"method"\s*:\s*"mining\.notify"/
const NO_TRANSACTIONS = /,\s*\[\s*\]\s*,/
/** A server gives work within a second or never. */
const READY_WITHIN_MS = 60_000
/** A line without an end that is longer than this is not stratum. */
const MAX_LINE_CHARS = 4 * 1024 * 1024

export interface LoadMinerOptions {
  readonly host: string
  readonly port: number
  /** Where to connect from; undefined: wherever the system likes. */
  readonly localAddress: string | undefined
  readonly user: string
  readonly password: string
  readonly userAgent: string
  readonly roots: Roots
}

/** What is hashed for one job. */
interface JobGround extends Ground {
  readonly jobId: string
  readonly timeHex: string
  readonly extranonce2: Uint8Array
}

/** One connection of the load: a miner whose work is real and whose bookkeeping is exact. */
export class LoadMiner implements CrowdMiner {
  readonly #options: LoadMinerOptions
  readonly #deps: CrowdMinerDeps
  readonly #line: LoadLine
  readonly #submits: LoadSubmits
  #rest = ''
  #nextId = FIRST_SUBMIT_ID
  #subscription: Subscription | null = null
  #isAuthorised = false
  #isReady = false
  #difficulty = 1
  /** The newest job and the difficulty it came with; read only when there is something to hash. */
  #notify: { readonly line: string; readonly difficulty: number } | null = null
  #ground: JobGround | null = null
  #prevHash = ''
  #hasFullJob = false
  #extranonce2Counter = 0

  constructor(options: LoadMinerOptions, deps: CrowdMinerDeps) {
    this.#options = options
    this.#deps = deps
    this.#submits = new LoadSubmits(deps)
    this.#line = new LoadLine(
      { ...options, readyWithinMs: READY_WITHIN_MS },
      {
        stamp: () => deps.watch.stamp(),
        onConnected: () => this.#login(),
        onBytes: (bytes, atMs) => this.#read(bytes, atMs),
        onLost: why => deps.onLost(this, why)
      }
    )
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get unanswered(): number {
    return this.#submits.unanswered
  }

  get traffic(): CrowdMiner['traffic'] {
    return this.#line.traffic
  }

  work(hashes: number): boolean {
    const ground = this.#ground ?? this.#nextGround()
    if (ground === null) return false
    const { nonce, isSpent } = this.#submits.search(ground, hashes)
    if (isSpent || (nonce !== null && this.#options.roots === 'each')) this.#ground = null
    if (nonce === null) return false
    const { jobId, extranonce2, timeHex } = ground
    const id = this.#nextId++
    this.#submits.sent(id)
    this.#send(id, 'mining.submit', submitParams(this.#options.user, { jobId, extranonce2, timeHex, nonce }))
    return true
  }

  hangUp(): void {
    this.#line.giveUp('hung up')
  }

  #login(): void {
    const { user, password, userAgent } = this.#options
    this.#send(SUBSCRIBE_ID, 'mining.subscribe', [userAgent])
    this.#send(AUTHORIZE_ID, 'mining.authorize', [user, password])
  }

  #send(id: number, method: string, params: readonly string[]): void {
    this.#line.write(`${JSON.stringify({ id, method, params })}\n`)
  }

  #read(bytes: Buffer, atMs: number): void {
    const text = bytes.toString('latin1')
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#heard(this.#rest === '' ? text.slice(from, end) : this.#rest + text.slice(from, end), atMs)
      this.#rest = ''
      from = end + 1
    }
    this.#rest += text.slice(from)
    if (this.#rest.length > MAX_LINE_CHARS) this.#line.giveUp('the server sent a line without an end')
  }

  #heard(line: string, atMs: number): void {
    if (NOTIFY.test(line)) {
      this.#notified(line, atMs)
      return
    }
    let message: { id?: unknown; method?: unknown; params?: unknown; result?: unknown; error?: unknown }
    try {
      message = JSON.parse(line) as typeof message
    } catch {
      this.#line.giveUp('the server sent a line that is not JSON')
      return
    }
    if (message.method === 'mining.set_difficulty') this.#setDifficulty(message.params)
    else if (typeof message.id === 'number') this.#answered(message.id, message, atMs)
  }

  #answered(id: number, { result, error }: { result?: unknown; error?: unknown }, atMs: number): void {
    if (id === SUBSCRIBE_ID) {
      this.#subscription = parseSubscription(result)
      if (this.#subscription === null) this.#line.giveUp('subscription refused')
      else this.#readyIfSo()
      return
    }
    if (id === AUTHORIZE_ID) {
      this.#isAuthorised = result === true
      if (this.#isAuthorised) this.#readyIfSo()
      else this.#line.giveUp(`authorisation refused: ${refusalText(error)}`)
      return
    }
    if (this.#submits.answered(id, result === true ? null : refusalText(error), atMs)) this.#deps.onAnswer(this)
  }

  #setDifficulty(params: unknown): void {
    const difficulty = Array.isArray(params) ? Number(params[0]) : Number.NaN
    if (Number.isFinite(difficulty) && difficulty > 0) this.#difficulty = difficulty
  }

  #notified(line: string, atMs: number): void {
    const prevHash = prevHashOf(line)
    const isFull = !NO_TRANSACTIONS.test(line)
    // Its first block is no news.
    if (this.#prevHash !== '' && prevHash !== this.#prevHash) {
      this.#hasFullJob = false
      this.#deps.watch.heard(prevHash, 'any', atMs)
    }
    if (isFull && !this.#hasFullJob) {
      if (this.#prevHash !== '') this.#deps.watch.heard(prevHash, 'full', atMs)
      this.#hasFullJob = true
    }
    this.#prevHash = prevHash
    this.#notify = { line, difficulty: this.#difficulty }
    this.#ground = null
    this.#readyIfSo()
  }

  #readyIfSo(): void {
    if (this.#isReady || !this.#isAuthorised || this.#subscription === null || this.#notify === null) return
    this.#isReady = true
    this.#line.gotWork()
    this.#deps.onReady(this)
  }

  #nextGround(): JobGround | null {
    const subscription = this.#subscription
    if (this.#notify === null || subscription === null) return null
    const { line, difficulty } = this.#notify
    const job = parseNotify((JSON.parse(line) as { params?: unknown }).params)
    if (job === null) return null
    const extranonce2 = new Uint8Array(subscription.extranonce2Bytes)
    let counter = ++this.#extranonce2Counter
    for (let at = extranonce2.length - 1; at >= 0 && counter > 0; at--) {
      extranonce2[at] = counter & 0xff
      counter = Math.floor(counter / 256)
    }
    this.#ground = {
      jobId: job.id,
      timeHex: job.timeHex,
      extranonce2,
      header: headerFor(job, subscription.extranonce1, extranonce2),
      target: targetFromDifficulty(difficulty),
      nextNonce: 0
    }
    return this.#ground
  }
}

/** The second parameter of a notify: any text that differs when the block does. */
function prevHashOf(line: string): string {
  const params = line.indexOf('[', line.indexOf('"params"'))
  const jobEnd = line.indexOf('"', line.indexOf('"', params) + 1)
  const start = line.indexOf('"', jobEnd + 1) + 1
  return line.slice(start, line.indexOf('"', start))
}

function refusalText(error: unknown): string {
  if (Array.isArray(error)) return String(error[1])
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return typeof error === 'string' ? error : 'no reason given'
}
