import { createConnection, type Socket } from 'node:net'
import { targetFromDifficulty } from '@p2poolv2/primitives'
import { parseNotify, parseSubscription, submitParams } from '@p2poolv2/stratum/client'
import { EXTRANONCE2_BYTES, type FoundShare, type MinerClient, type MinerClientHandlers } from './miner-client.ts'

export interface StratumClientOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly userAgent: string
}

const SUBSCRIBE_ID = 1
const AUTHORIZE_ID = 2
const FIRST_SUBMIT_ID = 10
const RECONNECT_MS = 1_000
/** A server that sends more without a line end is disconnected from. */
const MAX_LINE_BYTES = 1_048_576

/** A Stratum V1 client as simple mining firmware has one: subscribes, authorises, takes jobs, reconnects for ever. */
export class StratumClient implements MinerClient {
  readonly #options: StratumClientOptions
  readonly #handlers: MinerClientHandlers
  #socket: Socket | null = null
  #retry: NodeJS.Timeout | null = null
  #buffer = ''
  #extranonce1: Uint8Array | null = null
  #difficulty = 1
  #nextId = FIRST_SUBMIT_ID
  #stopped = false

  constructor(options: StratumClientOptions, handlers: MinerClientHandlers) {
    this.#options = options
    this.#handlers = handlers
  }

  start(): void {
    this.#stopped = false
    this.#connect()
  }

  stop(): void {
    this.#stopped = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#socket?.destroy()
    this.#socket = null
  }

  submit(share: FoundShare): void {
    this.#request(this.#nextId++, 'mining.submit', submitParams(this.#options.user, share))
  }

  #connect(): void {
    const { host, port, user, password, userAgent } = this.#options
    const socket = createConnection({ host, port })
    this.#socket = socket
    this.#buffer = ''
    this.#extranonce1 = null
    socket.setNoDelay(true)
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      this.#request(SUBSCRIBE_ID, 'mining.subscribe', [userAgent])
      this.#request(AUTHORIZE_ID, 'mining.authorize', [user, password])
    })
    socket.on('data', (text: string) => this.#received(socket, text))
    let failure = `${host}:${port} closed the connection`
    socket.on('error', error => {
      failure = `${host}:${port}: ${error.message}`
    })
    socket.on('close', () => {
      if (this.#stopped) return
      this.#handlers.onState('disconnected', failure)
      this.#retry = setTimeout(() => this.#connect(), RECONNECT_MS)
    })
  }

  #request(id: number, method: string, params: readonly string[]): void {
    this.#socket?.write(`${JSON.stringify({ id, method, params })}\n`)
  }

  #received(socket: Socket, text: string): void {
    this.#buffer += text
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end)
      this.#buffer = this.#buffer.slice(end + 1)
      if (line.trim() !== '') this.#line(line)
    }
    if (this.#buffer.length > MAX_LINE_BYTES) socket.destroy(new Error('the server sent an endless line'))
  }

  #line(line: string): void {
    let message: { id?: unknown; method?: unknown; params?: unknown; result?: unknown; error?: unknown }
    try {
      message = JSON.parse(line) as typeof message
    } catch {
      this.#socket?.destroy(new Error('the server sent a line that is not JSON'))
      return
    }
    if (message.method === 'mining.set_difficulty') this.#setDifficulty(message.params)
    else if (message.method === 'mining.notify') this.#notify(message.params)
    else if (message.id === SUBSCRIBE_ID) this.#subscribed(message.result)
    else if (message.id === AUTHORIZE_ID) this.#authorised(message.result, message.error)
    else if (typeof message.id === 'number' && message.id >= FIRST_SUBMIT_ID) {
      this.#handlers.onResult(message.result === true, message.result === true ? null : errorText(message.error))
    }
  }

  #setDifficulty(params: unknown): void {
    const difficulty = Array.isArray(params) ? Number(params[0]) : Number.NaN
    if (Number.isFinite(difficulty) && difficulty > 0) this.#difficulty = difficulty
  }

  #notify(params: unknown): void {
    const job = parseNotify(params)
    if (job !== null && this.#extranonce1 !== null)
      this.#handlers.onJob(job, this.#extranonce1, targetFromDifficulty(this.#difficulty))
  }

  #subscribed(result: unknown): void {
    const subscription = parseSubscription(result)
    if (subscription?.extranonce2Bytes !== EXTRANONCE2_BYTES) {
      this.#socket?.destroy(new Error('the server answered mining.subscribe with a form this miner does not know'))
      return
    }
    this.#extranonce1 = subscription.extranonce1
  }

  #authorised(result: unknown, error: unknown): void {
    if (result === true) this.#handlers.onState('connected', `mining as ${this.#options.user}`)
    else this.#handlers.onState('refused', errorText(error))
  }
}

function errorText(error: unknown): string {
  return Array.isArray(error) ? String(error[1]) : String(error)
}
