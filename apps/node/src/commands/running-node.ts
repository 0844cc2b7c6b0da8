import type { z } from 'zod'
import { ConfigError } from '../config.ts'
import { readRunningFile } from '../data/running-file.ts'

const ANSWER_WITHIN_MS = 5_000

/** How a command finds the node that runs. */
export interface NodeAt {
  readonly dataDir: string
  /** Overrides what the data directory says, for a node whose directory this user cannot read. */
  readonly apiPort: string | null
}

/** The node that runs on a data directory, as another command speaks to it. */
export interface RunningNodeClient {
  /** @throws ConfigError with what the node says against it */
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>
}

/** @returns null if no node runs there */
export async function runningNode(at: NodeAt): Promise<RunningNodeClient | null> {
  const running = readRunningFile(at.dataDir)
  const url = at.apiPort === null ? running?.url : `http://127.0.0.1:${at.apiPort}`
  if (url === undefined) return null
  const client = clientOf(url, running?.token ?? '')
  return (await isThere(url)) ? client : null
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
  const ask = async <T>(path: string, schema: z.ZodType<T>, init: RequestInit): Promise<T> => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const answer = await fetch(`${url}${path}`, { headers, ...init, signal })
    const body: unknown = await answer.json()
    if (answer.ok) return schema.parse(body)
    const said = typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : answer.statusText
    throw new ConfigError(said)
  }
  return {
    get: (path, schema) => ask(path, schema, {}),
    post: (path, body, schema) => ask(path, schema, { method: 'POST', body: JSON.stringify(body) })
  }
}

/** What to do when a command needs a node and none runs. */
export function noNodeRuns(dataDir: string): ConfigError {
  return new ConfigError(
    `no node runs on ${dataDir}: start one with npm start, or name its directory with --data-dir or its page's port with --api-port`
  )
}
