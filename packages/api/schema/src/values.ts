import { z } from 'zod'

/** Satoshis. Every bitcoin there will ever be is below 2^53 of them, so JSON has a number; a false claim above is cut to that. */
export const sats = z.codec(z.int().min(0), z.bigint(), {
  decode: value => BigInt(value),
  encode: value => Math.min(Number(value), Number.MAX_SAFE_INTEGER)
})

/** A whole number that may exceed 2^53: JSON has its decimal digits as text. */
export const decimalText = z.codec(z.string().regex(/^\d+$/), z.bigint(), {
  decode: value => BigInt(value),
  encode: value => value.toString()
})

/** A 32-byte hash as hex, in the order in which hashes are shown. */
export const hash = z.string().regex(/^[0-9a-f]{64}$/)

export const count = z.int().min(0)

/** Unix seconds. */
export const unixSec = z.int().min(0).describe('Unix seconds.')

export const address = z.string().describe('Bitcoin address that is paid.')
