import type { z } from 'zod'
import { NoNodeRuns } from '../cli/outcome.ts'
import { terminalWords } from '../cli/terminal-words.ts'
import { ConfigError } from '../config.ts'
import { readRunningFile } from '../data/running-file.ts'

/** It takes some seconds to say what came of a dial. */
const ANSWER_WITHIN_MS = 10_000

/** How a command finds the node that runs. */
export interface NodeAt {
  readonly dataDir: string
  /** Overrides what the data directory says, for a node whose directory this user cannot read. */
  readonly apiPort: string | null
}

export interface AskOptions {
  readonly withinMs?: number
}

/** The node that runs on a data directory, as another command speaks to it. */
export interface RunningNodeClient {
  readonly url: string
  /** @throws ConfigError with what the node says against it */
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>
  /** The answer as it came. @throws ConfigError with what the node says against it */
  text(path: string, options?: AskOptions): Promise<string>
  /** Server-sent events, those of the timeline from the start of the node on, until the signal or the node ends it. @throws ConfigError with what the node says against it */
  events(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
}

/** @returns null if no node runs there */
export async function runningNode(at: NodeAt): Promise<RunningNodeClient | null> {
  const running = readRunningFile(at.dataDir)
  const url = at.apiPort === null ? running?.url : `http://127.0.0.1:${at.apiPort}`
  if (url === undefined) return null
  const client = clientOf(url, running?.token ?? '')
  return (await isThere(url)) ? client : null
}

/** @throws NoNodeRuns */
export async function theRunningNode(at: NodeAt): Promise<RunningNodeClient> {
  const node = await runningNode(at)
  if (node === null) throw new NoNodeRuns(at)
  return node
}

async function isThere(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/livez`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })).ok
  } catch {
    return false
  }
}

function clientOf(url: string, token: string): RunningNodeClient {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const answered = async (path: string, init: RequestInit, withinMs = ANSWER_WITHIN_MS): Promise<Response> => {
    const answer = await connected(url, () =>
      fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(withinMs), ...init })
    )
    if (!answer.ok) throw new ConfigError(refusalOf(await answer.text(), answer.statusText))
    return answer
  }
  const json = async <T>(answer: Response, schema: z.ZodType<T>): Promise<T> => schema.parse(await answer.json())
  return {
    url,
    get: async (path, schema) => json(await answered(path, {}), schema),
    post: async (path, body, schema) =>
      json(await answered(path, { method: 'POST', body: JSON.stringify(body) }), schema),
    text: async (path, options) => (await answered(path, {}, options?.withinMs)).text(),
    events: async (path, signal) => {
      const { body } = await answered(path, { signal, headers: { ...headers, 'last-event-id': '0' } })
      if (body === null) throw new ConfigError(`the node at ${url} sent no events`)
      return body
    }
  }
}

async function connected<T>(url: string, fetching: () => Promise<T>): Promise<T> {
  try {
    return await fetching()
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'TimeoutError')
      throw new ConfigError(`the node at ${url} did not answer in time: it is busy, or hangs; see its log`, { cause })
    if (cause instanceof TypeError)
      throw new ConfigError(`the node at ${url} broke the connection: see its log`, { cause })
    throw cause
  }
}

function refusalOf(text: string, otherwise: string): string {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'error' in body) return terminalWords(String(body.error))
  } catch {
    // Not ours: another program has the port.
  }
  return otherwise
}
