import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CrowdSettings, FromCrowd, Tally, ToCrowd } from './crowd-contract.ts'

type Answer<T extends FromCrowd['type']> = Extract<FromCrowd, { readonly type: T }>

/** A process of miners, as seen by the one that runs it. One thing is asked of it at a time. */
export class CrowdProcess {
  readonly #child: ChildProcess
  #waiting: { readonly type: FromCrowd['type']; readonly resolve: (answer: FromCrowd) => void } | null = null
  #fail: (error: Error) => void = () => {}

  constructor(settings: CrowdSettings) {
    // Compiled, it is a .js file beside this one; run from the sources, a .ts file.
    const file = import.meta.url.endsWith('.ts') ? './crowd-main.ts' : './crowd-main.js'
    const main = fileURLToPath(new URL(file, import.meta.url))
    // Structured clones: times come as arrays of numbers, a million of them as they are.
    this.#child = fork(main, [JSON.stringify(settings)], { serialization: 'advanced' })
    this.#child.on('message', (message: FromCrowd) => {
      if (this.#waiting?.type !== message.type) return
      const { resolve } = this.#waiting
      this.#waiting = null
      resolve(message)
    })
    this.#child.on('error', error => this.#fail(error))
    this.#child.on('exit', code => this.#fail(new Error(`a process of miners ended by itself (${code})`)))
  }

  /** Connects them all. */
  connect(): Promise<Answer<'connected'>> {
    return this.#ask({ type: 'connect' }, 'connected')
  }

  work(sharesPerSec: number | null, quota: number | null = null): void {
    this.#child.send({ type: 'work', sharesPerSec, quota } satisfies ToCrowd)
  }

  /** Waits for what is under way. */
  async rest(waitMs: number): Promise<void> {
    await this.#ask({ type: 'rest', waitMs }, 'rested')
  }

  async count(): Promise<void> {
    await this.#ask({ type: 'count' }, 'counting')
  }

  async tally(): Promise<Tally> {
    return (await this.#ask({ type: 'tally' }, 'tally')).tally
  }

  end(): void {
    this.#fail = () => {}
    this.#child.kill()
  }

  #ask<T extends FromCrowd['type']>(message: ToCrowd, type: T): Promise<Answer<T>> {
    return new Promise<Answer<T>>((resolve, reject) => {
      this.#waiting = { type, resolve: answer => resolve(answer as Answer<T>) }
      this.#fail = reject
      this.#child.send(message)
    })
  }
}
