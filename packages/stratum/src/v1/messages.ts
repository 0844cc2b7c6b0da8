import { utf8ToString } from '@p2poolv2/primitives'
import type { CloseReason } from '../contract.ts'
import { REQUEST_REFUSALS, type V1Refusal } from './refusals.ts'

/** Answered with silence: cgminer counts an answer it does not expect as a share (stratum §2.17). */
export const SILENT_METHODS: ReadonlySet<string> = new Set([
  'mining.multi_version',
  'mining.capabilities',
  'mining.pong',
  'pong'
])

/** One line of a miner. `idJson` is the request's id as JSON text, to be echoed. */
export type MinerMessage =
  | { readonly kind: 'request'; readonly idJson: string; readonly method: string; readonly params: unknown }
  /** An answer to something we may have asked; nobody waits for it. */
  | { readonly kind: 'response' }
  /** A JSON object that is neither request nor answer. */
  | { readonly kind: 'invalid-request'; readonly idJson: string }
  | { readonly kind: 'not-json' }

/**
 * Reads one line. Never throws.
 * @param line at most a line's cap of bytes, without its end
 */
export function parseMessage(line: Uint8Array): MinerMessage {
  let json: unknown
  try {
    json = JSON.parse(textOf(line))
  } catch {
    // Not ours to explain: the miner is told that its line is no JSON.
    return { kind: 'not-json' }
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { kind: 'not-json' }
  const { id, method, params, result } = json as Record<'id' | 'method' | 'params' | 'result', unknown>
  if (typeof method === 'string') return { kind: 'request', idJson: idJsonOf(id), method, params }
  return result === undefined ? { kind: 'invalid-request', idJson: idJsonOf(id) } : { kind: 'response' }
}

/** @param resultJson JSON text */
export function resultLine(idJson: string, resultJson: string): string {
  return `{"id":${idJson},"result":${resultJson},"error":null}\n`
}

/**
 * A refused submit or authorisation. `result` is false and `error` an array of three: every firmware takes that for a
 * refusal, and some nothing else (stratum §2.10).
 */
export function refusalLine(idJson: string, refusal: V1Refusal): string {
  return `{"id":${idJson},"result":false,"error":[${refusal.code},${asciiJson(refusal.reason)},null]}\n`
}

/** An unknown method. `result` is null: no firmware counts it as a rejected share. */
export function unknownMethodLine(idJson: string): string {
  const { code, reason } = REQUEST_REFUSALS.unknownMethod
  return `{"id":${idJson},"result":null,"error":[${code},${asciiJson(reason)},null]}\n`
}

export function invalidRequestLine(idJson: string): string {
  return `{"id":${idJson},"result":null,"error":[-32600,"Invalid request",null]}\n`
}

export const NOT_JSON_LINE = '{"id":null,"result":null,"error":[-32700,"Parse error",null]}\n'

/** @param difficultyText from `difficultyText`: decimal, no exponent */
export function setDifficultyLine(difficultyText: string): string {
  return `{"id":null,"method":"mining.set_difficulty","params":[${difficultyText}]}\n`
}

/**
 * To the same pool, which those that have another one to go to find closed. No host is named: cgminer follows none of another domain
 * (stratum §2.14). Who has not authorised would take it for the answer to that.
 */
export const RECONNECT_LINE = '{"id":null,"method":"client.reconnect","params":[]}\n'

const MISBEHAVIOURS: ReadonlySet<string> = new Set<CloseReason>(['not-json', 'invalid-requests', 'undecodable'])

/**
 * Whether the reason for closing a session speaks against the address it came from. A wrong user name does not: it is a
 * setting that somebody has to mend, at an address where others may mine.
 */
export function isMisbehaviour(reason: string): boolean {
  return MISBEHAVIOURS.has(reason)
}

/** JSON text of a string with everything above ASCII escaped: what we send is ASCII (stratum §1.1). */
export function asciiJson(text: string): string {
  return asciiText(JSON.stringify(text))
}

/** The same JSON in ASCII: what is above it can only be within its strings. */
export function asciiText(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function idJsonOf(id: unknown): string {
  if (typeof id === 'number' || typeof id === 'boolean') return String(JSON.stringify(id))
  // No client sends arrays or objects here, and echoing them would mean recursion into what a stranger sent.
  return typeof id === 'string' ? asciiJson(id) : 'null'
}

function textOf(line: Uint8Array): string {
  for (let i = 0; i < line.length; i++) if ((line[i] as number) > 0x7f) return utf8ToString(line)
  return Reflect.apply(String.fromCharCode, null, line)
}
