import { concatBytes, invariant } from '@p2poolv2/primitives'

const OP_PUSHDATA1 = 0x4c
const OP_PUSHDATA2 = 0x4d
const OP_1 = 0x51
const OP_RETURN = 0x6a
/** Longer data takes OP_PUSHDATA1 or 2. */
const MAX_DIRECT_PUSH = 0x4b

/** How the script of a block's witness commitment begins: OP_RETURN, a push of 36 bytes, the tag of BIP141. */
export const WITNESS_COMMITMENT_PREFIX: Uint8Array = Uint8Array.of(OP_RETURN, 0x24, 0xaa, 0x21, 0xa9, 0xed)

/** The witness commitment script: the prefix and 32 bytes. */
export const WITNESS_COMMITMENT_BYTES = 38

/**
 * A push with the shortest length prefix; a single small byte is not turned into an OP_n, and no bytes give `00`.
 * @param data at most 65,535 bytes
 */
export function pushData(data: Uint8Array): Uint8Array {
  invariant(data.length <= 0xffff, 'a push has at most 65,535 bytes')
  if (data.length <= MAX_DIRECT_PUSH) return concatBytes(Uint8Array.of(data.length), data)
  if (data.length <= 0xff) return concatBytes(Uint8Array.of(OP_PUSHDATA1, data.length), data)
  return concatBytes(Uint8Array.of(OP_PUSHDATA2, data.length & 0xff, data.length >>> 8), data)
}

/**
 * The height push of BIP34: 0 is `00`, 1 to 16 are OP_1 to OP_16, else a length byte and the number, little-endian with a
 * sign bit, in as few bytes as possible.
 * @param n not negative, below 2^63
 */
export function scriptNumberPush(n: number | bigint): Uint8Array {
  let rest = BigInt(n)
  invariant(rest >= 0n && rest < 1n << 63n, 'a pushed number is from 0 to 2^63-1')
  if (rest === 0n) return Uint8Array.of(0)
  if (rest <= 16n) return Uint8Array.of(OP_1 - 1 + Number(rest))
  const bytes: number[] = []
  for (; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn))
  // The top bit is the sign, so a number that fills it needs one more byte.
  if ((bytes.at(-1) ?? 0) >= 0x80) bytes.push(0)
  return Uint8Array.of(bytes.length, ...bytes)
}

/**
 * Reads the push that begins at `offset`: `00` (no data), a direct push, OP_PUSHDATA1 or OP_PUSHDATA2.
 * @returns the data (a view) and where the next operation begins; null for any other operation, for a push that runs over
 * the end, and at the end of the script
 */
export function readPush(
  script: Uint8Array,
  offset: number
): { readonly data: Uint8Array; readonly next: number } | null {
  const opcode = script[offset]
  if (opcode === undefined || opcode > OP_PUSHDATA2) return null
  let start = offset + 1
  let length: number | undefined = opcode
  if (opcode === OP_PUSHDATA1) {
    length = script[start]
    start += 1
  } else if (opcode === OP_PUSHDATA2) {
    const high = script[start + 1]
    length = high === undefined ? undefined : (script[start] as number) | (high << 8)
    start += 2
  }
  if (length === undefined || start + length > script.length) return null
  return { data: script.subarray(start, start + length), next: start + length }
}

/**
 * The output script of a witness program (BIP141).
 * @param version 0 to 16
 * @param program 2 to 40 bytes; version 0 only 20 or 32
 */
export function witnessProgramScript(version: number, program: Uint8Array): Uint8Array {
  invariant(isLegalProgram(version, program.length), 'a witness program is of a legal version and length')
  return concatBytes(Uint8Array.of(version === 0 ? 0 : OP_1 - 1 + version, program.length), program)
}

/** The witness program of an output script (a view), or null if it is none of legal version and length (BIP141). */
export function witnessProgramOf(
  script: Uint8Array
): { readonly version: number; readonly program: Uint8Array } | null {
  const [opcode, length] = script
  if (opcode === undefined || length === undefined || script.length !== 2 + length) return null
  const version = opcode === 0 ? 0 : opcode - OP_1 + 1
  if (opcode !== 0 && opcode < OP_1) return null
  return isLegalProgram(version, length) ? { version, program: script.subarray(2) } : null
}

function isLegalProgram(version: number, length: number): boolean {
  if (version === 0) return length === 20 || length === 32
  return version > 0 && version <= 16 && length >= 2 && length <= 40
}

/** Whether this is a witness commitment script of exactly 38 bytes, as `default_witness_commitment` is. */
export function isWitnessCommitmentScript(script: Uint8Array): boolean {
  return script.length === WITNESS_COMMITMENT_BYTES && WITNESS_COMMITMENT_PREFIX.every((byte, i) => script[i] === byte)
}
