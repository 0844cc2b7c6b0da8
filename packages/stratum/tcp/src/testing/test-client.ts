import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface ReadLine {
  readonly id: unknown
  readonly params?: readonly unknown[]
  readonly result?: unknown
}

/** A miner's end of a connection, that reads lines one by one. */
export class TestClient {
  readonly socket: Socket
  readonly lines: string[] = []
  #rest = ''
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      this.lines.push(...lines)
      this.#wake?.()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#wake?.())
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<TestClient> {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    return new TestClient(socket)
  }

  write(...messages: readonly (object | string | Uint8Array)[]): void {
    for (const message of messages) {
      const isRaw = typeof message === 'string' || message instanceof Uint8Array
      this.socket.write(isRaw ? message : `${JSON.stringify(message)}\n`)
    }
  }

  /** Writes and waits until the system has taken it, so that the next write is another segment. */
  async writeAlone(bytes: string | Uint8Array): Promise<void> {
    await new Promise<void>(resolve => void this.socket.write(bytes, () => setImmediate(resolve)))
  }

  /** The next `count` lines, parsed. @throws if the connection ends before */
  async read(count: number): Promise<readonly ReadLine[]> {
    while (this.lines.length < count) {
      if (this.socket.closed) throw new Error(`closed after ${this.lines.length} of ${count} lines`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.lines.splice(0, count).map(line => JSON.parse(line) as ReadLine)
  }

  /** The next so many characters, or fewer if the connection ends before; not to be mixed with `read`. */
  async readText(length: number): Promise<string> {
    const all = (): string => this.lines.map(line => `${line}\n`).join('') + this.#rest
    while (all().length < length && !this.socket.closed) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    const text = all()
    this.lines.length = 0
    this.#rest = ''
    return text
  }

  /** Resolves when the other side has hung up; whatever came before is in `lines`. */
  async ended(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close')
  }
}

export const subscribe = { id: 1, method: 'mining.subscribe', params: ['t/1'] }
export const authorize = { id: 2, method: 'mining.authorize', params: ['bc1qexampleaddr.w', 'x'] }
