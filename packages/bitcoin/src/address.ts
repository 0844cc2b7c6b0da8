import { concatBytes } from '@p2poolv2/primitives'
import { address as codec } from 'bitcoinjs-lib'
import { witnessProgramOf, witnessProgramScript } from './script.ts'
import { isXOnlyPoint } from './taproot.ts'

/** `test` stands for testnet4 and signet, whose addresses are the same. */
export type BitcoinNetwork = 'main' | 'test' | 'regtest'

/**
 * Why a text is no address to pay to:
 * - `empty`: no text at all
 * - `malformed`: not the shape of a bitcoin address of any network
 * - `checksum`: the shape is right, so it is mistyped
 * - `wrong-network`: an address of the network given with it
 * - `unsupported-version`: a witness program that no rule guards yet (version 2 to 16, or version 1 with other than 32
 *   bytes), so anybody could take a payout
 * - `not-a-point`: a taproot program that is no curve point, so nobody could ever spend a payout
 */
export type AddressProblem =
  | 'empty'
  | 'malformed'
  | 'checksum'
  | 'wrong-network'
  | 'unsupported-version'
  | 'not-a-point'

export type ParsedAddress =
  | {
      readonly ok: true
      /** The output script. */
      readonly script: Uint8Array
      /** The one spelling of this address: bech32 in lower case. */
      readonly text: string
    }
  | {
      readonly ok: false
      readonly reason: AddressProblem
      /** With `wrong-network`: the network that the address belongs to; `test` where regtest shares the spelling. */
      readonly network?: BitcoinNetwork
    }

interface NetworkPrefixes {
  readonly bech32: string
  readonly publicKeyHash: number
  readonly scriptHash: number
}

const PREFIXES: Readonly<Record<BitcoinNetwork, NetworkPrefixes>> = {
  main: { bech32: 'bc', publicKeyHash: 0x00, scriptHash: 0x05 },
  test: { bech32: 'tb', publicKeyHash: 0x6f, scriptHash: 0xc4 },
  regtest: { bech32: 'bcrt', publicKeyHash: 0x6f, scriptHash: 0xc4 }
}

/** In the order in which `wrong-network` names them. */
const NETWORKS: readonly BitcoinNetwork[] = ['main', 'test', 'regtest']

/** BIP173. Longer text is refused unread. */
const MAX_ADDRESS_LENGTH = 90
const BASE58 = /^[1-9A-HJ-NP-Za-km-z]{25,35}$/
/** One case only; a version, at least a two-byte program, and six characters of checksum. */
const BECH32 = /^(?:(?:bc|tb|bcrt)1[02-9ac-hj-np-z]{11,}|(?:BC|TB|BCRT)1[02-9AC-HJ-NP-Z]{11,})$/

/**
 * Reads an address that somebody wants to be paid to: P2PKH, P2SH, P2WPKH, P2WSH or P2TR (BIP13, 141, 173, 350, 341).
 * Cost: about 0.2 ms for P2TR, whose curve point is checked; little for the others.
 */
export function parseAddress(text: string, network: BitcoinNetwork): ParsedAddress {
  if (text === '') return { ok: false, reason: 'empty' }
  if (text.length > MAX_ADDRESS_LENGTH) return { ok: false, reason: 'malformed' }
  if (BECH32.test(text)) return parseBech32(text, network)
  if (BASE58.test(text)) return parseBase58(text, network)
  return { ok: false, reason: 'malformed' }
}

function parseBech32(text: string, network: BitcoinNetwork): ParsedAddress {
  const decoded = tryDecode(() => codec.fromBech32(text))
  if (decoded === null) return { ok: false, reason: 'checksum' }
  const { version, data, prefix } = decoded
  const isLegalLength = version === 0 ? data.length === 20 || data.length === 32 : data.length >= 2 && data.length <= 40
  if (version > 16 || !isLegalLength) return { ok: false, reason: 'malformed' }
  if (prefix !== PREFIXES[network].bech32) return wrongNetwork(prefixes => prefixes.bech32 === prefix)
  if (version > 1 || (version === 1 && data.length !== 32)) return { ok: false, reason: 'unsupported-version' }
  if (version === 1 && !isXOnlyPoint(data)) return { ok: false, reason: 'not-a-point' }
  return { ok: true, script: witnessProgramScript(version, data), text: text.toLowerCase() }
}

function parseBase58(text: string, network: BitcoinNetwork): ParsedAddress {
  const decoded = tryDecode(() => codec.fromBase58Check(text))
  if (decoded === null) return { ok: false, reason: 'checksum' }
  const { version, hash } = decoded
  const prefixes = PREFIXES[network]
  if (version === prefixes.publicKeyHash) return { ok: true, script: publicKeyHashScript(hash), text }
  if (version === prefixes.scriptHash) return { ok: true, script: scriptHashScript(hash), text }
  return wrongNetwork(other => version === other.publicKeyHash || version === other.scriptHash)
}

/** The library throws for everything it refuses. */
function tryDecode<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch {
    return null
  }
}

function wrongNetwork(matches: (prefixes: NetworkPrefixes) => boolean): ParsedAddress {
  const network = NETWORKS.find(name => matches(PREFIXES[name]))
  return network === undefined ? { ok: false, reason: 'malformed' } : { ok: false, reason: 'wrong-network', network }
}

/**
 * The address of an output script on a network: P2PKH, P2SH, and witness programs of version 0 to 16 with a legal length,
 * those included that `parseAddress` would not pay to (protocol §2.1).
 * @returns null for every other script
 */
export function addressFromScript(script: Uint8Array, network: BitcoinNetwork): string | null {
  const prefixes = PREFIXES[network]
  const program = witnessProgramOf(script)
  if (program !== null) return inOnePiece(codec.toBech32(program.program, program.version, prefixes.bech32))
  if (isFramed(script, P2PKH_START, P2PKH_END))
    return inOnePiece(codec.toBase58Check(script.slice(3, 23), prefixes.publicKeyHash))
  if (isFramed(script, P2SH_START, P2SH_END))
    return inOnePiece(codec.toBase58Check(script.slice(2, 22), prefixes.scriptHash))
  return null
}

/** A text that was added up letter by letter is a tree of letters to V8, 1,000 bytes for an address, until one of them is read. */
function inOnePiece(text: string): string {
  text.charCodeAt(0)
  return text
}

/** OP_DUP OP_HASH160, push of 20 … OP_EQUALVERIFY OP_CHECKSIG */
const P2PKH_START = Uint8Array.of(0x76, 0xa9, 0x14)
const P2PKH_END = Uint8Array.of(0x88, 0xac)
/** OP_HASH160, push of 20 … OP_EQUAL */
const P2SH_START = Uint8Array.of(0xa9, 0x14)
const P2SH_END = Uint8Array.of(0x87)

function publicKeyHashScript(hash: Uint8Array): Uint8Array {
  return concatBytes(P2PKH_START, hash, P2PKH_END)
}

function scriptHashScript(hash: Uint8Array): Uint8Array {
  return concatBytes(P2SH_START, hash, P2SH_END)
}

/** Whether the script is these two parts around 20 bytes. */
function isFramed(script: Uint8Array, start: Uint8Array, end: Uint8Array): boolean {
  return (
    script.length === start.length + 20 + end.length &&
    start.every((byte, i) => script[i] === byte) &&
    end.every((byte, i) => script[start.length + 20 + i] === byte)
  )
}
