/**
 * Why a call had no result. Permanent codes; each message says what to do about it.
 *
 * | code | meaning |
 * | --- | --- |
 * | `bad-url` | the configured URL cannot be used |
 * | `cookie-missing` | there is no cookie file: bitcoind is not running, or the path is wrong |
 * | `cookie-unreadable` | the cookie file is there but cannot be read |
 * | `unreachable` | no connection, or it broke |
 * | `timed-out` | no whole answer in time |
 * | `unauthorised` | HTTP 401 |
 * | `forbidden` | HTTP 403 |
 * | `busy` | HTTP 503: too many calls are waiting |
 * | `starting` | JSON-RPC -28: the node is warming up |
 * | `not-a-node` | what answered does not speak bitcoind's JSON-RPC |
 * | `oversize` | the answer is larger than allowed |
 * | `refused` | the node understood and refused: see `nodeCode` and `nodeMessage` |
 * | `bad-answer` | a result of an unexpected shape |
 * | `aborted` | the caller's signal |
 */
export type RpcErrorCode =
  | 'bad-url'
  | 'cookie-missing'
  | 'cookie-unreadable'
  | 'unreachable'
  | 'timed-out'
  | 'unauthorised'
  | 'forbidden'
  | 'busy'
  | 'starting'
  | 'not-a-node'
  | 'oversize'
  | 'refused'
  | 'bad-answer'
  | 'aborted'

export interface RpcErrorFacts {
  readonly code: RpcErrorCode
  /** JSON-RPC's error code; only for `refused` and `starting`. */
  readonly nodeCode?: number
  /** The node's own words, printable and at most MAX_NODE_WORDS characters; only for `refused` and `starting`. */
  readonly nodeMessage?: string
  readonly cause?: unknown
}

/** A call to a bitcoin node failed. The message is for the operator and holds no secret. */
export class RpcError extends Error {
  readonly code: RpcErrorCode
  readonly nodeCode: number | null
  readonly nodeMessage: string | null

  constructor(message: string, facts: RpcErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'RpcError'
    this.code = facts.code
    this.nodeCode = facts.nodeCode ?? null
    this.nodeMessage = facts.nodeMessage ?? null
  }
}

/** bitcoind's JSON-RPC error codes that we act on (Bitcoin Core, rpc/protocol.h). */
export const NODE_CODE = {
  notFound: -5,
  invalidParameter: -8,
  notConnected: -9,
  initialDownload: -10,
  decodeFailed: -22,
  warmingUp: -28
} as const

/** A node's words are cut here before they reach a log or the page. */
export const MAX_NODE_WORDS = 300

/** What a node said, made fit to print: control characters become spaces, the end is cut. */
export function printable(words: string): string {
  const flat = words.slice(0, 4 * MAX_NODE_WORDS).replace(/[^\u0020-\u007e\u00a1-\u1fff]+/g, ' ')
  const trimmed = flat.trim()
  return trimmed.length > MAX_NODE_WORDS ? `${trimmed.slice(0, MAX_NODE_WORDS)}…` : trimmed
}

/** The system's code of an IO error (`ECONNREFUSED`), or its message when it has none. */
export function systemReason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return systemReason(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
