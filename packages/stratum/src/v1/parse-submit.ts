import { hexToBytes } from '@p2poolv2/primitives'
import type { Submit } from '../mining/submit.ts'
import { REQUEST_REFUSALS, type V1Refusal } from './refusals.ts'

/** A well-formed `mining.submit`. */
export interface NamedSubmit extends Submit {
  /** The worker's name as sent. */
  readonly name: string
}

const HEX = /^[0-9a-f]*$/i
const HEX_U32 = /^[0-9a-f]{1,8}$/i

/**
 * Reads the parameters of `mining.submit`: hex of either case, 32-bit fields with or without leading zeros, since part
 * of the firmware sends none; a seventh parameter and more are ignored. Source: stratum §2.10.
 * @param params as they came
 * @param extranonce2Bytes as told in the answer to `mining.subscribe`
 */
export function parseSubmit(params: unknown, extranonce2Bytes: number): NamedSubmit | V1Refusal {
  if (!Array.isArray(params)) return REQUEST_REFUSALS.invalidParameters
  const [name, jobId, extranonce2, time, nonce, bits] = params as unknown[]
  if (typeof name !== 'string' || typeof jobId !== 'string' || typeof extranonce2 !== 'string') {
    return REQUEST_REFUSALS.invalidParameters
  }
  if (typeof time !== 'string' || typeof nonce !== 'string') return REQUEST_REFUSALS.invalidParameters
  if (extranonce2.length !== 2 * extranonce2Bytes || !HEX.test(extranonce2)) return REQUEST_REFUSALS.invalidExtranonce2
  if (!HEX_U32.test(time)) return REQUEST_REFUSALS.invalidNtime
  if (!HEX_U32.test(nonce)) return REQUEST_REFUSALS.invalidNonce
  const rolls = bits !== undefined && bits !== null && bits !== ''
  if (rolls && (typeof bits !== 'string' || !HEX_U32.test(bits))) return REQUEST_REFUSALS.invalidVersionMask
  return {
    name,
    jobId,
    extranonce: hexToBytes(extranonce2),
    timeSec: Number.parseInt(time, 16),
    nonce: Number.parseInt(nonce, 16),
    versionBits: rolls ? Number.parseInt(bits as string, 16) : null
  }
}
