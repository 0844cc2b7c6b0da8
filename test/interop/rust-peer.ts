import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** One line that the peer told; which fields there are depends on `event`. */
export interface Told {
  readonly event: string
  readonly peer?: string
  readonly id?: number | string | null
  readonly payload?: string
  readonly topic?: string | null
  readonly reason?: string
  readonly protocol?: string
  readonly answer?: string | null
  readonly agent?: string
  readonly protocolVersion?: string
  readonly protocols?: readonly string[]
  readonly peers?: readonly string[]
  readonly direction?: string
  readonly address?: string
  readonly ok?: boolean
}

const PATIENCE_MS = 20_000

/** The peer as a process that a test talks to. */
export class RustPeer {
  readonly told: Told[] = []
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: (() => void)[] = []
  #lastId = 0

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    createInterface({ input: child.stdout }).on('line', line => {
      this.told.push(JSON.parse(line))
      for (const resolve of this.#waiting.splice(0)) resolve()
    })
    child.stderr.pipe(process.stderr)
  }

  /**
   * @param base `/p2pool/<net>/<tag>`, or without the tag as in revision 0.13
   * @param dialect `reference` is in no topics
   */
  static async start(program: string, base: string, dialect: 'ours' | 'reference' = 'ours'): Promise<RustPeer> {
    const [, , net = '', tag = ''] = base.split('/')
    const peer = new RustPeer(spawn(program, [net, tag, dialect]))
    await peer.until('an address', told => told.event === 'listening')
    return peer
  }

  get name(): string {
    return this.told.find(({ event }) => event === 'started')?.peer ?? ''
  }

  /** `/ip4/127.0.0.1/tcp/…` */
  get address(): string {
    return this.told.find(({ event }) => event === 'listening')?.address ?? ''
  }

  get port(): number {
    return Number(this.address.split('/').at(-1))
  }

  command(command: string, fields: Readonly<Record<string, string | number | null>> = {}): void {
    this.#child.stdin.write(`${JSON.stringify({ command, ...fields })}\n`)
  }

  /** What requests that begin so are answered with from when this resolves. */
  async answer(request: Uint8Array, response: Uint8Array | null): Promise<void> {
    const hex = response === null ? null : Buffer.from(response).toString('hex')
    const count = (): number => this.told.filter(({ event }) => event === 'answering').length
    const before = count()
    this.command('answer', { request: Buffer.from(request).toString('hex'), response: hex })
    await this.until('the answer it gives', () => count() > before)
  }

  /** One request; null when it has no answer. */
  async ask(peer: string, payload: Uint8Array, protocol = 'shares'): Promise<Buffer | null> {
    const id = ++this.#lastId
    this.command('request', { id, peer, protocol, payload: Buffer.from(payload).toString('hex') })
    const told = await this.until(
      'an answer',
      told => told.id === id && ['response', 'requestFailed'].includes(told.event)
    )
    return told.payload === undefined ? null : Buffer.from(told.payload, 'hex')
  }

  /** The first thing told, perhaps before, that is so. */
  async until(what: string, is: (told: Told) => boolean): Promise<Told> {
    const found = await this.#poll(() => this.told.find(is), PATIENCE_MS)
    if (found !== undefined) return found
    const last = this.told.slice(-10).map(told => JSON.stringify(told).slice(0, 200))
    throw new Error(`the Rust peer told nothing of ${what}; last:\n${last.join('\n')}`)
  }

  /** It ends with its input. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.stdin.end()
    await ended
  }

  async #poll<T>(look: () => T | undefined, withinMs: number): Promise<T | undefined> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      for (const resolve of this.#waiting.splice(0)) resolve()
    }, withinMs)
    try {
      for (;;) {
        const found = look()
        if (found !== undefined || isLate) return found
        await new Promise<void>(resolve => this.#waiting.push(resolve))
      }
    } finally {
      clearTimeout(timer)
    }
  }
}
