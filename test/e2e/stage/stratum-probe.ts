import { connect, type Socket } from 'node:net'

/** One `mining.notify` as it came. */
export interface Notified {
  readonly atMs: number
  readonly jobId: string
  /** As bitcoind writes block hashes: the order of the 32-bit words in stratum's field is undone. */
  readonly prevHash: string
  readonly isClean: boolean
}

export interface Answer {
  readonly id: number | null
  readonly result: unknown
  readonly error: unknown
}

interface Waiter {
  readonly check: () => void
  readonly fail: (error: Error) => void
}

const ANSWER_MS = 60_000

/** A Stratum connection that mines nothing: it says what it is told to say and writes down what it hears, and when. */
export class StratumProbe {
  readonly notified: Notified[] = []
  readonly #socket: Socket
  readonly #answers = new Map<number, Answer>()
  readonly #waiters = new Set<Waiter>()
  #text = ''
  #nextId = 1
  #isClosed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.setNoDelay(true)
    socket.on('data', (text: string) => this.#hear(text, performance.now()))
    // The close that follows is what tests wait for.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#tell()
    })
  }

  static connect(port: number): Promise<StratumProbe> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port })
      const probe = new StratumProbe(socket)
      socket.once('connect', () => resolve(probe))
      socket.once('error', reject)
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  /** Sends a request and waits for its answer. */
  async ask(method: string, params: readonly unknown[]): Promise<Answer> {
    const id = this.#nextId++
    this.write(`${JSON.stringify({ id, method, params })}\n`)
    return this.when(`the answer to ${method}`, ANSWER_MS, () => this.#answers.get(id) ?? null)
  }

  /** Subscribes and authorises. @throws when it is not let in */
  async login(user: string): Promise<void> {
    await this.ask('mining.subscribe', ['e2e-probe/1.0'])
    const { result, error } = await this.ask('mining.authorize', [user, 'x'])
    if (result !== true) throw new Error(`${user} was refused: ${JSON.stringify(error)}`)
  }

  /** The first `notify` from number `from` on of which `is` holds. */
  notify(withinMs: number, is: (job: Notified) => boolean = () => true, from = 0): Promise<Notified> {
    return this.when('mining.notify', withinMs, () => this.notified.slice(from).find(is) ?? null)
  }

  closed(withinMs: number): Promise<true> {
    return this.when('the end of the connection', withinMs, () => (this.#isClosed ? true : null))
  }

  close(): void {
    this.#socket.destroy()
  }

  when<T>(what: string, withinMs: number, look: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        check: () => {
          const seen = look()
          if (seen === null) {
            if (this.#isClosed) waiter.fail(new Error(`the node closed the connection before ${what}`))
            return
          }
          end()
          resolve(seen)
        },
        fail: error => {
          end()
          reject(error)
        }
      }
      const timer = setTimeout(
        () => waiter.fail(new Error(`waited ${withinMs / 1000} s in vain for ${what}`)),
        withinMs
      )
      this.#waiters.add(waiter)
      waiter.check()
    })
  }

  #hear(text: string, atMs: number): void {
    this.#text += text
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line) as { method?: string; params?: unknown[] } & Answer
      if (message.method === 'mining.notify') this.notified.push(notifiedOf(message.params ?? [], atMs))
      else if (message.method === undefined && message.id !== null) this.#answers.set(message.id, message)
    }
    this.#tell()
  }

  #tell(): void {
    for (const { check } of [...this.#waiters]) check()
  }
}

function notifiedOf(params: readonly unknown[], atMs: number): Notified {
  const words = String(params[1]).match(/.{8}/g) ?? []
  return { atMs, jobId: String(params[0]), prevHash: words.reverse().join(''), isClean: params[8] === true }
}
