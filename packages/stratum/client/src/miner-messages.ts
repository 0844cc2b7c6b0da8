import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'

/** What a miner learns from the answer to `mining.subscribe`. */
export interface Subscription {
  /** The pool's part of every coinbase's extranonce. */
  readonly extranonce1: Uint8Array
  /** Bytes that the miner may choose. */
  readonly extranonce2Bytes: number
}

/** Longer parts of an extranonce fit no coinbase: its whole input script has 100 bytes. */
const MAX_EXTRANONCE_BYTES = 100

/** Reads the result of `mining.subscribe` (stratum §2.2); null when it is not one. */
export function parseSubscription(result: unknown): Subscription | null {
  if (!Array.isArray(result)) return null
  const [, extranonce1, extranonce2Bytes] = result as unknown[]
  if (typeof extranonce1 !== 'string' || !/^([0-9a-f]{2})+$/i.test(extranonce1)) return null
  if (extranonce1.length > 2 * MAX_EXTRANONCE_BYTES) return null
  if (typeof extranonce2Bytes !== 'number' || !Number.isInteger(extranonce2Bytes)) return null
  if (extranonce2Bytes < 1 || extranonce2Bytes > MAX_EXTRANONCE_BYTES) return null
  return { extranonce1: hexToBytes(extranonce1), extranonce2Bytes }
}

/** The params of `mining.submit` (stratum §2.10) for a header whose version was not rolled. */
export function submitParams(
  user: string,
  find: { readonly jobId: string; readonly extranonce2: Uint8Array; readonly timeHex: string; readonly nonce: number }
): readonly string[] {
  const nonceHex = (find.nonce >>> 0).toString(16).padStart(8, '0')
  return [user, find.jobId, bytesToHex(find.extranonce2), find.timeHex, nonceHex]
}
