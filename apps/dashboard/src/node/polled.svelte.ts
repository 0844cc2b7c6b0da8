import { ask, login } from './ask.svelte.ts'
import { live } from './live-node.svelte.ts'

const ANSWER_WITHIN_MS = 20_000

/** One answer of the API, asked for again while somebody looks at it. Make it while a component is set up. */
export class Polled<T> {
  value = $state.raw<T | null>(null)
  /** What the node said instead, or that it said nothing; null after an answer. */
  trouble = $state<string | null>(null)

  /**
   * @param path of the API without a leading slash; null while there is nothing to ask
   * @param everyMs pause between an answer and the next question
   */
  constructor(path: () => string | null, everyMs: number) {
    $effect(() => {
      const asked = path()
      // Asked again at once when the node is back, and after a login.
      void [live.sessions, login.tries]
      if (asked === null) return
      const ending = new AbortController()
      let timer: ReturnType<typeof setTimeout> | undefined
      const again = async (): Promise<void> => {
        await this.#ask(asked, ending.signal)
        if (!ending.signal.aborted) timer = setTimeout(() => void again(), everyMs)
      }
      void again()
      return () => {
        ending.abort()
        clearTimeout(timer)
      }
    })
  }

  async #ask(path: string, ending: AbortSignal): Promise<void> {
    try {
      const signal = AbortSignal.any([ending, AbortSignal.timeout(ANSWER_WITHIN_MS)])
      const body = (await (await ask(path, { signal })).json()) as T
      if (ending.aborted) return
      this.value = body
      this.trouble = null
    } catch (error) {
      if (!ending.aborted) this.trouble = error instanceof Error ? error.message : 'The node did not answer.'
    }
  }
}
