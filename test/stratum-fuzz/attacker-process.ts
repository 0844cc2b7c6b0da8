import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface AttackerSettings {
  readonly port: number
  readonly v2Port: number
  /** Under whose name one can log in. */
  readonly user: string
  readonly seed: string
  readonly attackers: number
  /**
   * 'dialers': who opens handshakes one after the other and goes on with none. 'flooders': who sends shares as fast as they are read, all from one
   * address.
   */
  readonly kind: 'mutants' | 'dialers' | 'flooders'
}

/** Attackers as a process of their own. */
export class AttackerProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(settings: AttackerSettings): Promise<AttackerProcess> {
    const child = fork(fileURLToPath(new URL('attackers.ts', import.meta.url)), [JSON.stringify(settings)])
    await once(child, 'message')
    return new AttackerProcess(child)
  }

  attack(): void {
    this.#child.send('attack')
  }

  /** @returns attacks so far, when none is under way */
  async rest(): Promise<number> {
    const told = once(this.#child, 'message')
    this.#child.send('rest')
    return ((await told) as [number])[0]
  }

  stop(): void {
    this.#child.disconnect()
  }
}
