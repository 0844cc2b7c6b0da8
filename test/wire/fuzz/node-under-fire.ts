import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Holding } from './node-process.ts'

const PROGRAM = fileURLToPath(new URL('node-process.ts', import.meta.url))

/** The node process seen from outside. */
export class NodeUnderFire {
  readonly port: number
  readonly base: string
  readonly holdings: Holding[]
  /** Null while it lives. */
  exit: string | null = null
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  static async start(): Promise<NodeUnderFire> {
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', '--conditions=p2pool-source', PROGRAM])
    child.stderr.pipe(process.stderr)
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the node did not start')
    return new NodeUnderFire(child, lines, JSON.parse(value))
  }

  private constructor(
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
    place: { readonly port: number; readonly base: string }
  ) {
    this.port = place.port
    this.base = place.base
    this.holdings = []
    this.#child = child
    this.#lines = lines
    child.on('exit', (code, signal) => {
      this.exit = signal ?? `code ${code}`
    })
    void this.#listen()
  }

  /** Resolves with what it holds without its garbage. @throws if it died */
  async collected(): Promise<Holding> {
    const seen = this.holdings.length
    this.#child.stdin.write('collect\n')
    for (;;) {
      if (this.exit !== null) throw new Error(`the node died: ${this.exit}`)
      const told = this.holdings.slice(seen).find(({ garbage }) => garbage === 'collected')
      if (told !== undefined) return told
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  async stop(): Promise<void> {
    if (this.exit !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.stdin.end()
    await ended
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) return
      this.holdings.push(JSON.parse(value))
    }
  }
}
