import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface ProgramOptions {
  /** What it is called in messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Listener {
  readonly hear: (line: string) => void
  readonly end: () => void
}

/** Lines of a program's output shown when something goes wrong. */
const TAIL_LINES = 25

const alive = new Set<ChildProcess>()
// A test run that is interrupted must not leave programs behind.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** One program under test: its output line by line, standard output and standard error together, and its end. */
export class Program {
  readonly name: string
  readonly lines: string[] = []
  /** Resolves when it has ended and all its output was read. */
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #listeners = new Set<Listener>()
  #ending: Ending | null = null

  constructor(options: ProgramOptions) {
    this.name = options.name
    this.#child = spawn(options.command, [...options.args], {
      env: { ...plainEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    alive.add(this.#child)
    const { stdout, stderr } = this.#child
    if (stdout !== null) this.#read(stdout)
    if (stderr !== null) this.#read(stderr)
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        alive.delete(this.#child)
        this.#ending = { code, signal }
        for (const { end } of [...this.#listeners]) end()
        resolve(this.#ending)
      })
    })
    // Whoever waits for it hears of the failure; nobody has to wait.
    this.ended.catch(() => {})
  }

  get isRunning(): boolean {
    return this.#ending === null
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get output(): string {
    return this.lines.join('\n')
  }

  get tail(): string {
    return this.lines.slice(-TAIL_LINES).join('\n')
  }

  /** Waits for a line that `pick` makes something of; lines already there count from number `from` on. */
  line<T>(what: string, withinMs: number, pick: (line: string) => T | null, from = 0): Promise<T> {
    for (const line of this.lines.slice(from)) {
      const picked = pick(line)
      if (picked !== null) return Promise.resolve(picked)
    }
    if (!this.isRunning) return Promise.reject(this.#inVain(what, 'it has ended'))
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
      }
      const timer = setTimeout(() => {
        done()
        reject(this.#inVain(what, `${withinMs / 1000} s have passed`))
      }, withinMs)
      const listener: Listener = {
        hear: line => {
          const picked = pick(line)
          if (picked === null) return
          done()
          resolve(picked)
        },
        end: () => {
          done()
          reject(this.#inVain(what, 'it has ended'))
        }
      }
      this.#listeners.add(listener)
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal)
  }

  /** Sends the signal and waits for the end. Sends SIGKILL when that takes more than thirty seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.signal(signal)
    const timer = setTimeout(() => this.signal('SIGKILL'), 30_000)
    try {
      return await this.ended
    } finally {
      clearTimeout(timer)
    }
  }

  #read(stream: Readable): void {
    createInterface({ input: stream }).on('line', line => {
      this.lines.push(line)
      for (const { hear } of [...this.#listeners]) hear(line)
    })
  }

  #inVain(what: string, why: string): Error {
    return new Error(`${this.name}: waited in vain for ${what}: ${why}; its last lines are\n${this.tail}`)
  }
}

/** This process's environment without what would configure the program or change its output. */
export function plainEnvironment(): Record<string, string> {
  const drop = /^(P2POOL|VITEST|NODE_OPTIONS$|NODE_ENV$|FORCE_COLOR$)/
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || drop.test(name) ? [] : [[name, value] as const]
    )
  )
}
