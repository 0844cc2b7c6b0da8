import { REFUSALS, type Refusal } from './messages.ts'

/** A well-formed `mining.submit`. */
export interface Submit {
  /** The worker's name as sent. */
  readonly name: string
  readonly jobId: string
  /** 16 hex digits, either case. */
  readonly extranonce2: string
  readonly timeSec: number
  readonly nonce: number
  /** u32 as sent, or null if the miner does not roll the version. */
  readonly versionBits: number | null
}

const HEX_U32 = /^[0-9a-f]{1,8}$/i
const EXTRANONCE2 = /^[0-9a-f]{16}$/i

/**
 * Reads the parameters of `mining.submit`: hex of either case, 32-bit fields with or without leading zeros, since part
 * of the firmware sends none; a seventh parameter and more are ignored. Source: stratum §2.10.
 * @param params as they came
 */
export function parseSubmit(params: unknown): Submit | Refusal {
  if (!Array.isArray(params)) return REFUSALS.invalidParameters
  const [name, jobId, extranonce2, time, nonce, bits] = params as unknown[]
  if (typeof name !== 'string' || typeof jobId !== 'string' || typeof extranonce2 !== 'string') {
    return REFUSALS.invalidParameters
  }
  if (typeof time !== 'string' || typeof nonce !== 'string') return REFUSALS.invalidParameters
  if (!EXTRANONCE2.test(extranonce2)) return REFUSALS.invalidExtranonce2
  if (!HEX_U32.test(time)) return REFUSALS.invalidNtime
  if (!HEX_U32.test(nonce)) return REFUSALS.invalidNonce
  const rolls = bits !== undefined && bits !== null && bits !== ''
  if (rolls && (typeof bits !== 'string' || !HEX_U32.test(bits))) return REFUSALS.invalidVersionMask
  return {
    name,
    jobId,
    extranonce2,
    timeSec: Number.parseInt(time, 16),
    nonce: Number.parseInt(nonce, 16),
    versionBits: rolls ? Number.parseInt(bits as string, 16) : null
  }
}
