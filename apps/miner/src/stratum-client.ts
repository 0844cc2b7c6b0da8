import type { Socket } from 'node:net'
import { targetFromDifficulty } from '@p2poolv2/primitives'
import { parseNotify, parseSubscription, submitParams } from '@p2poolv2/stratum/client'
import { KeptLine } from './kept-line.ts'
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
/** A server that sends more without a line end is disconnected from. */
const MAX_LINE_BYTES = 1_048_576

/** A Stratum V1 client as simple mining firmware has one: subscribes, authorises, takes jobs, reconnects for ever. */
export class StratumClient implements MinerClient {
  readonly #options: StratumClientOptions
  readonly #handlers: MinerClientHandlers
  readonly #line: KeptLine
  #buffer = ''
  #extranonce1: Uint8Array | null = null
  #difficulty = 1
  #nextId = FIRST_SUBMIT_ID

  constructor(options: StratumClientOptions, handlers: MinerClientHandlers) {
    this.#options = options
    this.#handlers = handlers
    this.#line = new KeptLine(options, {
      onBegun: socket => this.#begin(socket),
      onLost: message => handlers.onState('disconnected', message)
    })
  }

  start(): void {
    this.#line.start()
  }

  stop(): void {
    this.#line.stop()
  }

  submit(share: FoundShare): void {
    this.#request(this.#nextId++, 'mining.submit', submitParams(this.#options.user, share))
  }

  #begin(socket: Socket): void {
    const { user, password, userAgent } = this.#options
    this.#buffer = ''
    this.#extranonce1 = null
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      this.#request(SUBSCRIBE_ID, 'mining.subscribe', [userAgent])
      this.#request(AUTHORIZE_ID, 'mining.authorize', [user, password])
    })
    socket.on('data', (text: string) => this.#received(text))
  }

  #request(id: number, method: string, params: readonly string[]): void {
    this.#line.write(`${JSON.stringify({ id, method, params })}\n`)
  }

  #received(text: string): void {
    this.#buffer += text
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end)
      this.#buffer = this.#buffer.slice(end + 1)
      if (line.trim() !== '') this.#heard(line)
    }
    if (this.#buffer.length > MAX_LINE_BYTES) this.#line.giveUp(new Error('the server sent an endless line'))
  }

  #heard(line: string): void {
    let message: { id?: unknown; method?: unknown; params?: unknown; result?: unknown; error?: unknown }
    try {
      message = JSON.parse(line) as typeof message
    } catch {
      this.#line.giveUp(new Error('the server sent a line that is not JSON'))
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
      this.#line.giveUp(new Error('the server answered mining.subscribe with a form this miner does not know'))
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
