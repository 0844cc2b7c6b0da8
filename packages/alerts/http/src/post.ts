import type { Posting } from './destination.ts'

/** How one attempt went. `retry`: it may work later. The message has no address in it: that is a secret. */
export type PostResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly retry: boolean; readonly message: string }

/** Makes one request. Never rejects. A redirect is not followed: what the owner named is where alerts go, and nowhere else. */
export async function post(url: string, posting: Posting, signal: AbortSignal): Promise<PostResult> {
  let answer: Response
  try {
    answer = await fetch(url, { method: 'POST', redirect: 'manual', signal, ...posting })
  } catch (error) {
    return {
      ok: false,
      retry: true,
      message: signal.aborted ? 'it did not answer in time' : `it cannot be reached (${reasonOf(error)})`
    }
  }
  // What it has to say is not read.
  await answer.body?.cancel().catch(() => undefined)
  const { status } = answer
  if (answer.ok) return { ok: true }
  if (status >= 300 && status < 400)
    return { ok: false, retry: false, message: `it sends on to another address (status ${status}): set that one` }
  if (status === 401 || status === 403)
    return {
      ok: false,
      retry: false,
      message: `it does not let us in (status ${status}): is the address or the token right?`
    }
  if (status === 404 || status === 410)
    return { ok: false, retry: false, message: `it knows no such address (status ${status})` }
  const retry = status >= 500 || status === 408 || status === 425 || status === 429
  return { ok: false, retry, message: `it answered with status ${status}` }
}

/** The system's word for what failed, without the address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as NodeJS.ErrnoException).code
  return typeof code === 'string' ? code : 'no connection'
}
