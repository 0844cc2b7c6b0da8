/** Share-chain addresses as text: bech32m over a taproot output key. Source: protocol §2.2. */

import { invariant } from '@p2poolv2/primitives'
import { bech32m } from '@scure/base'
import type { WitnessProgram } from '../share.ts'

/** Longer text is refused (BIP173). */
const MAX_ADDRESS_CHARACTERS = 90
const OUTPUT_KEY_BYTES = 32
const TAPROOT_VERSION = 1
/** A version above it is refused by name (BIP141). */
const MAX_WITNESS_VERSION = 16
const MIN_PROGRAM_BYTES = 2
/** A longer program is refused by name (BIP141). */
const MAX_PROGRAM_BYTES = 40

const KNOWN_PREFIXES: ReadonlySet<string> = new Set(['p2pool', 'tp2pool', 'sp2pool', 'rp2pool'])

/** Why a text is no share address of the expected network; a closed list. */
export type ShareAddressReason =
  | 'unsupported-network'
  | 'encoding'
  | 'unknown-prefix'
  | 'network-mismatch'
  | 'missing-witness-version'
  | 'invalid-witness-version'
  | 'unsupported-witness-version'
  | 'padding'
  | 'witness-program'
  | 'invalid-output-key-length'

export type ParsedShareAddress =
  | { readonly ok: true; readonly program: WitnessProgram }
  | { readonly ok: false; readonly reason: ShareAddressReason }

/** Lower-case text of a version 1 program of 32 bytes. That the key is a curve point is not looked at. */
export function encodeShareAddress(program: WitnessProgram, hrp: string): string {
  invariant(KNOWN_PREFIXES.has(hrp), 'a share address has a network prefix')
  invariant(
    program.version === TAPROOT_VERSION && program.program.length === OUTPUT_KEY_BYTES,
    'a share address is a version 1 program of 32 bytes'
  )
  return bech32m.encode(hrp, [TAPROOT_VERSION, ...bech32m.toWords(program.program)], MAX_ADDRESS_CHARACTERS)
}

/**
 * Reads a share address that a miner or operator typed.
 * @param expectedHrp the prefix of this node's network
 */
export function parseShareAddress(text: string, expectedHrp: string): ParsedShareAddress {
  if (!KNOWN_PREFIXES.has(expectedHrp)) return failed('unsupported-network')
  const prefix = text.slice(0, Math.max(0, text.lastIndexOf('1'))).toLowerCase()
  const decoded = bech32m.decodeUnsafe(text, MAX_ADDRESS_CHARACTERS)
  if (prefix !== '' && !KNOWN_PREFIXES.has(prefix)) return failed('unknown-prefix')
  if (decoded === undefined) return failed('encoding')
  const [version, ...words] = decoded.words
  if (version === undefined) return failed('missing-witness-version')
  if (version > MAX_WITNESS_VERSION) return failed('invalid-witness-version')
  if (version !== TAPROOT_VERSION) return failed('unsupported-witness-version')
  const program = bech32m.fromWordsUnsafe(words)
  if (!(program instanceof Uint8Array)) return failed('padding')
  if (program.length < MIN_PROGRAM_BYTES || program.length > MAX_PROGRAM_BYTES) return failed('witness-program')
  if (program.length !== OUTPUT_KEY_BYTES) return failed('invalid-output-key-length')
  if (prefix !== expectedHrp) return failed('network-mismatch')
  return { ok: true, program: { version, program } }
}

function failed(reason: ShareAddressReason): ParsedShareAddress {
  return { ok: false, reason }
}
