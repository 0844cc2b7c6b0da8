import { connect, type Socket } from 'node:net'
import { targetFromDifficulty } from '@p2poolv2/primitives'
import {
  grind,
  headerFor,
  type MinerJob,
  parseNotify,
  parseSubscription,
  type Subscription,
  submitParams
} from '@p2poolv2/stratum/client'

const TURN_HASHES = 200
const REST_MS = 20
const RECONNECT_MS = 1_000

interface Line {
  readonly id?: unknown
  readonly method?: string
  readonly params?: readonly unknown[]
  readonly result?: unknown
  readonly error?: unknown
}

/** A small miner of Stratum V1 that hashes without pause and connects again for ever, behind a proxy. */
export class TranslatedMiner {
  accepted = 0
  readonly refused: string[] = []
  readonly #port: number
  readonly #user: string
  #socket: Socket | null = null
  #timer: NodeJS.Timeout
  #isStopped = false
  #subscription: Subscription | null = null
  #difficulty = 1
  #job: MinerJob | null = null
  #nonce = 0
  #extranonce = 0
  #id = 10

  constructor(port: number, user: string) {
    this.#port = port
    this.#user = user
    this.#connect()
    this.#timer = setTimeout(this.#work, REST_MS)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  #connect(): void {
    const socket = connect({ host: '127.0.0.1', port: this.#port })
    this.#socket = socket
    this.#job = null
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      this.#ask(1, 'mining.subscribe', ['test/1'])
      this.#ask(2, 'mining.authorize', [this.#user, 'x'])
    })
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#told(JSON.parse(line) as Line)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!this.#isStopped) setTimeout(() => this.#isStopped || this.#connect(), RECONNECT_MS)
    })
  }

  #told({ id, method, params, result, error }: Line): void {
    if (id === 1 && method === undefined) this.#subscription = parseSubscription(result)
    else if (method === 'mining.set_difficulty') this.#difficulty = Number(params?.[0])
    else if (method === 'mining.notify') {
      this.#job = parseNotify(params)
      this.#nonce = 0
      this.#extranonce += 1
    } else if (typeof id === 'number' && id > 9 && method === undefined) {
      if (result === true) this.accepted += 1
      else this.refused.push(JSON.stringify(error))
    }
  }

  #ask(id: number, method: string, params: readonly unknown[]): void {
    this.#socket?.write(`${JSON.stringify({ id, method, params })}\n`)
  }

  readonly #work = (): void => {
    this.#timer = setTimeout(this.#work, REST_MS)
    const [job, subscription] = [this.#job, this.#subscription]
    if (job === null || subscription === null) return
    const extranonce2 = new Uint8Array(subscription.extranonce2Bytes)
    extranonce2.set([this.#extranonce, this.#extranonce >>> 8])
    const header = headerFor(job, subscription.extranonce1, extranonce2)
    const range = { firstNonce: this.#nonce, count: TURN_HASHES }
    const nonce = grind(header, targetFromDifficulty(this.#difficulty), range)
    this.#nonce = nonce < 0 ? this.#nonce + TURN_HASHES : nonce + 1
    if (nonce < 0) return
    const { id: jobId, timeHex } = job
    this.#ask(++this.#id, 'mining.submit', submitParams(this.#user, { jobId, extranonce2, timeHex, nonce }))
  }
}
