import { download } from './download.ts'

const KEY = 'p2poolv2-login'
/** Wrong ones cost whoever asks for them: a page that opens one link after the other must not lock the owner out by it. */
const TRY_EVERY_MS = 1_000
const OWNER_LINK = /^#\/node\/owner=(.*)$/

/** What a node with a login is told with each question. Kept until the tab is closed. */
class Login {
  /** The node has asked for one, or did not take the last. */
  wanted = $state(false)
  wasRefused = $state(false)
  /** Rises with each login: what waits for one tries again. */
  tries = $state(0)
  #header = $state.raw(read())
  #isTrying = false

  /** Follows the link that `./p2poolv2 link` prints for the node's own user, whenever it is opened. */
  start(): () => void {
    const follow = (): void => {
      const [, token] = OWNER_LINK.exec(location.hash) ?? []
      if (token === undefined) return
      // It must not stay in the address bar, nor in what the browser remembers.
      history.replaceState(null, '', '#/node')
      // What it is for stands first in the view.
      scrollTo({ top: 0 })
      const header = `Bearer ${token}`
      if (this.#header === null || this.wanted) this.#keep(header)
      else if (header !== this.#header) void this.#tryBeside(header)
    }
    follow()
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }

  /** Came by the owner's link, whether or not the node still takes it: each start of a node makes another. */
  get isByLink(): boolean {
    return this.#header?.startsWith('Bearer') ?? false
  }

  get headers(): Record<string, string> {
    return this.#header === null ? {} : { authorization: this.#header }
  }

  enter(user: string, password: string): void {
    const bytes = new TextEncoder().encode(`${user}:${password}`)
    this.#keep(`Basic ${btoa(String.fromCharCode(...bytes))}`)
  }

  /** A link is whoever's who made it: it takes the place of a login only once the node has taken it for its owner's. */
  async #tryBeside(header: string): Promise<void> {
    if (this.#isTrying) return
    this.#isTrying = true
    try {
      const answer = await fetch('v1/setup', { headers: { authorization: header } })
      const { mayWrite } = (await answer.json()) as { readonly mayWrite?: unknown }
      if (answer.ok && mayWrite === true) this.#keep(header)
    } catch {
      // No answer is no reason to let go of what is kept.
    } finally {
      setTimeout(() => {
        this.#isTrying = false
      }, TRY_EVERY_MS)
    }
  }

  #keep(header: string): void {
    this.#header = header
    try {
      sessionStorage.setItem(KEY, header)
    } catch {
      // Forbidden storage: the login lasts as long as the page.
    }
    this.wanted = false
    this.tries += 1
  }

  /** @param header what the refused question had; an answer to an earlier login says nothing of this one */
  refuse(header: string | null): void {
    if (header !== this.#header) return
    this.wasRefused = header !== null
    this.wanted = true
  }
}

function read(): string | null {
  try {
    return sessionStorage.getItem(KEY)
  } catch {
    return null
  }
}

export const login = new Login()

/** Why there is no answer, for a person. */
export class NoAnswer extends Error {}

/**
 * @param path without a leading slash, so that the page works below any path of a proxy
 * @throws NoAnswer
 */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const { headers } = login
  let answer: Response
  try {
    answer = await fetch(path, { ...init, headers: { ...headers, ...init.headers } })
  } catch (cause) {
    throw new NoAnswer('The node did not answer.', { cause })
  }
  if (answer.ok) return answer
  if (answer.status === 401) login.refuse(headers['authorization'] ?? null)
  throw new NoAnswer((await errorText(answer)) ?? `The node answered with status ${answer.status}.`)
}

/**
 * Keeps an answer as a file: a plain link would ask without the login.
 * @throws NoAnswer
 */
export async function keepAnswer(path: string, fileName: string): Promise<void> {
  download(await (await ask(path)).blob(), fileName)
}

async function errorText(answer: Response): Promise<string | null> {
  try {
    const body: unknown = await answer.json()
    return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string'
      ? body.error
      : null
  } catch {
    return null
  }
}
