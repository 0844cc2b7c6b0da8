import type { TxOutput } from './transaction.ts'

const OP_RETURN = 0x6a
const SHA256_BLOCK_BYTES = 64

/** Value, script length and the two opcodes of the padding output: what it takes before its first zero byte. */
const FIXED_BYTES = 8 + 1 + 2

/**
 * The output that fills a coinbase up to a whole number of SHA-256 blocks (protocol §5.3): no value, OP_RETURN and one
 * push of 0 to 63 zero bytes. It is there even if nothing needs filling.
 *
 * The exact script is the one part of the coinbase format that is not confirmed (protocol §5.3, candidate A). Nothing
 * else knows its form; to change it, change this file.
 *
 * @param lengthBeforeBytes length of the coinbase before this output, counted with the final number of outputs
 */
export function paddingOutput(lengthBeforeBytes: number): TxOutput {
  const zeros = zerosToFill(lengthBeforeBytes + FIXED_BYTES)
  const script = new Uint8Array(2 + zeros)
  script[0] = OP_RETURN
  script[1] = zeros
  return { valueSats: 0n, script }
}

/**
 * Whether an output can be the padding of another node's coinbase. Looser than `paddingOutput`, so that a share in one of
 * the other plausible forms is recognised as a share: no value, OP_RETURN, at most one push length, zeros, and no longer
 * than needed.
 * @param lengthBeforeBytes as in `paddingOutput`
 */
export function isPaddingOutput(output: TxOutput, lengthBeforeBytes: number): boolean {
  const { script, valueSats } = output
  if (valueSats !== 0n || script[0] !== OP_RETURN) return false
  // Both forms have a one-byte script length, and neither needs more than 63 zeros.
  const hasPushLength = script[1] !== undefined && script[1] === script.length - 2
  const fixedBytes = hasPushLength ? FIXED_BYTES : FIXED_BYTES - 1
  const zerosFrom = fixedBytes - 9
  if (script.length - zerosFrom !== zerosToFill(lengthBeforeBytes + fixedBytes)) return false
  return script.subarray(zerosFrom).every(byte => byte === 0)
}

function zerosToFill(lengthBytes: number): number {
  return (SHA256_BLOCK_BYTES - (lengthBytes % SHA256_BLOCK_BYTES)) % SHA256_BLOCK_BYTES
}
