import { connect, type Socket } from 'node:net'
import { type Target, targetFromDifficulty } from '@p2poolv2/primitives'
import {
  grind,
  headerFor,
  parseNotify,
  parseSubscription,
  type Subscription,
  submitParams
} from '@p2poolv2/stratum/client'
import type { Roots } from './crowd-contract.ts'
import type { CrowdMiner, CrowdMinerDeps } from './crowd-miner.ts'

const SUBSCRIBE_ID = 1
const AUTHORIZE_ID = 2
const FIRST_SUBMIT_ID = 10
const NOTIFY = /"method"\s*:\s*"mining\.notify"/
const NO_TRANSACTIONS = /,\s*\[\s*\]\s*,/
/** A server gives work within a second or never. */
const READY_WITHIN_MS = 60_000
const NONCES = 0x1_0000_0000
/** A line without an end that is longer than this is not stratum. */
const MAX_LINE_CHARS = 4 * 1024 * 1024
/** Read into by every socket of this process, one after the other; nothing of it is kept. */
const received = Buffer.alloc(256 * 1024)

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
interface Ground {
  readonly jobId: string
  readonly timeHex: string
  readonly extranonce2: Uint8Array
  readonly header: Uint8Array
  readonly target: Target
  nextNonce: number
}

/** One connection of the load: a miner whose work is real and whose bookkeeping is exact. */
export class LoadMiner implements CrowdMiner {
  readonly #options: LoadMinerOptions
  readonly #deps: CrowdMinerDeps
  readonly #socket: Socket
  readonly #patience: NodeJS.Timeout
  /** When each submit that has no answer yet was sent. */
  readonly #pending = new Map<number, number>()
  #rest = ''
  #nextId = FIRST_SUBMIT_ID
  #subscription: Subscription | null = null
  #isAuthorised = false
  #isReady = false
  #difficulty = 1
  /** The newest job and the difficulty it came with; read only when there is something to hash. */
  #notify: { readonly line: string; readonly difficulty: number } | null = null
  #ground: Ground | null = null
  #prevHash = ''
  #hasFullJob = false
  #extranonce2Counter = 0
  #lostBecause = 'hung up by the server'

  constructor(options: LoadMinerOptions, deps: CrowdMinerDeps) {
    this.#options = options
    this.#deps = deps
    const { host, port, localAddress } = options
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
      onread: {
        buffer: received,
        callback: bytes => {
          this.#read(received.toString('latin1', 0, bytes), deps.watch.stamp())
          return true
        }
      }
    })
    this.#patience = setTimeout(() => this.#giveUp('no work in time'), READY_WITHIN_MS)
    this.#socket.once('connect', () => this.#login())
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lostBecause = error.code ?? error.message
    })
    this.#socket.once('close', () => {
      clearTimeout(this.#patience)
      deps.onLost(this, this.#lostBecause)
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get unanswered(): number {
    return this.#pending.size
  }

  get traffic(): { readonly writtenBytes: number; readonly readBytes: number } {
    return { writtenBytes: this.#socket.bytesWritten, readBytes: this.#socket.bytesRead }
  }

  work(hashes: number): boolean {
    const ground = this.#ground ?? this.#nextGround()
    if (ground === null) return false
    const startedAtMs = this.#deps.nowMs()
    const first = ground.nextNonce
    const nonce = grind(ground.header, ground.target, { firstNonce: first, count: hashes })
    const done = nonce < 0 ? hashes : nonce - first + 1
    ground.nextNonce += done
    this.#deps.ledger.hashed(done, this.#deps.nowMs() - startedAtMs)
    if (ground.nextNonce >= NONCES || (nonce >= 0 && this.#options.roots === 'each')) this.#ground = null
    if (nonce < 0) return false
    const { jobId, extranonce2, timeHex } = ground
    const id = this.#nextId++
    this.#pending.set(id, this.#deps.nowMs())
    this.#deps.ledger.sent()
    this.#send(id, 'mining.submit', submitParams(this.#options.user, { jobId, extranonce2, timeHex, nonce }))
    return true
  }

  #login(): void {
    const { user, password, userAgent } = this.#options
    this.#send(SUBSCRIBE_ID, 'mining.subscribe', [userAgent])
    this.#send(AUTHORIZE_ID, 'mining.authorize', [user, password])
  }

  #send(id: number, method: string, params: readonly string[]): void {
    this.#socket.write(`${JSON.stringify({ id, method, params })}\n`, 'latin1')
  }

  #read(text: string, atMs: number): void {
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#line(this.#rest === '' ? text.slice(from, end) : this.#rest + text.slice(from, end), atMs)
      this.#rest = ''
      from = end + 1
    }
    this.#rest += text.slice(from)
    if (this.#rest.length > MAX_LINE_CHARS) {
      this.#lostBecause = 'the server sent a line without an end'
      this.#socket.destroy()
    }
  }

  #line(line: string, atMs: number): void {
    if (NOTIFY.test(line)) {
      this.#notified(line, atMs)
      return
    }
    let message: { id?: unknown; method?: unknown; params?: unknown; result?: unknown; error?: unknown }
    try {
      message = JSON.parse(line) as typeof message
    } catch {
      this.#lostBecause = 'the server sent a line that is not JSON'
      this.#socket.destroy()
      return
    }
    if (message.method === 'mining.set_difficulty') this.#setDifficulty(message.params)
    else if (typeof message.id === 'number') this.#answered(message.id, message, atMs)
  }

  #answered(id: number, { result, error }: { result?: unknown; error?: unknown }, atMs: number): void {
    if (id === SUBSCRIBE_ID) {
      this.#subscription = parseSubscription(result)
      if (this.#subscription === null) this.#giveUp('subscription refused')
      else this.#readyIfSo()
      return
    }
    if (id === AUTHORIZE_ID) {
      this.#isAuthorised = result === true
      if (this.#isAuthorised) this.#readyIfSo()
      else this.#giveUp(`authorisation refused: ${refusalText(error)}`)
      return
    }
    const sentAtMs = this.#pending.get(id)
    if (sentAtMs === undefined) {
      this.#deps.ledger.unmatched()
      return
    }
    this.#pending.delete(id)
    this.#deps.ledger.answer(result === true ? null : refusalText(error), atMs - sentAtMs)
    this.#deps.onAnswer(this)
  }

  #giveUp(why: string): void {
    this.#lostBecause = why
    this.#socket.destroy()
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
    clearTimeout(this.#patience)
    this.#deps.onReady(this)
  }

  #nextGround(): Ground | null {
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
