const PAUSE_MS = 50

/**
 * Asks again and again until the answer is there.
 * @param what completes "waited in vain for …"
 * @param probe null or an error thrown means not yet; the last error ends up in the message
 */
export async function until<T>(what: string, withinMs: number, probe: () => Promise<T | null> | T | null): Promise<T> {
  const deadlineMs = performance.now() + withinMs
  let failure: unknown = null
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== null) return answer
      failure = null
    } catch (error) {
      failure = error
    }
    if (performance.now() > deadlineMs) {
      const why = failure === null ? '' : `: ${failure instanceof Error ? failure.message : String(failure)}`
      throw new Error(`waited ${withinMs / 1000} s in vain for ${what}${why}`, { cause: failure })
    }
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
  }
}
