import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('honest-process.ts', import.meta.url))

/** What the requests of a stretch of time took. */
export interface Stretch {
  readonly requests: number
  readonly p50: number
  readonly p99: number
}

/** The honest peer's process seen from outside. */
export class HonestPeer {
  readonly failures: string[] = []
  /** Null while it goes on. */
  exit: string | null = null
  readonly #child: ChildProcessWithoutNullStreams
  #tookMs: number[] = []

  constructor({ port, base }: { readonly port: number; readonly base: string }) {
    const loader = ['--import', 'tsx', '--conditions=p2pool-source']
    this.#child = spawn(process.execPath, [...loader, PROGRAM, `${port}`, base])
    this.#child.stderr.pipe(process.stderr)
    createInterface({ input: this.#child.stdout }).on('line', text => {
      const told = JSON.parse(text)
      if (told.failed === undefined) this.#tookMs.push(told.ms)
      else this.failures.push(told.failed)
    })
    this.#child.on('exit', code => {
      this.exit = `code ${code}`
    })
  }

  /** Since it was last asked. */
  stretch(): Stretch {
    const taken = this.#tookMs.sort((a, b) => a - b)
    this.#tookMs = []
    const quantile = (part: number): number => taken[Math.floor(taken.length * part)] ?? Number.NaN
    return { requests: taken.length, p50: quantile(0.5), p99: quantile(0.99) }
  }

  stop(): void {
    this.#child.stdin.end()
  }
}
