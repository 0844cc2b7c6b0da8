/** The share and the read-only views the rules need. Encoding lives in share-codec.ts. Source: protocol §2, §3, §8. */
import {
  addressFromScript,
  type BitcoinHeader,
  type BitcoinNetwork,
  parseAddress,
  type Transaction
} from '@p2poolv2/bitcoin'
import {
  BoundedMap,
  type Bps,
  bytesToHex,
  type CompactBits,
  type Height,
  type ShareHash,
  type Work
} from '@p2poolv2/primitives'
import type { RuleCode } from './rule-code.ts'

/** 0 = main, 1 = the test networks' shared forms (`tb1`, `m`, `n`, `2`), 2 = regtest's own bech32 form (`bcrt1`). */
export type AddressClass = 0 | 1 | 2

/**
 * A bitcoin address as consensus structures carry it (protocol §2.1).
 * `text` is canonical; it is the miner's identity in the payout window and the sort key of its outputs.
 */
export interface ConsensusAddress {
  readonly addressClass: AddressClass
  readonly script: Uint8Array
  readonly text: string
}

/** A share-chain address: witness version 0..16 and a program of 2..40 bytes (protocol §2.2). */
export interface WitnessProgram {
  readonly version: number
  readonly program: Uint8Array
}

/** What lets a header alone be checked against its proof of work (protocol §6). */
export interface CoinbaseProof {
  /** 32 bytes: eight SHA-256 state words, big-endian each. */
  readonly midstate: Uint8Array
  /** u32 as decoded; a valid proof has a positive multiple of 64. */
  readonly prefixLengthBytes: number
  /** 32 bytes, digest order. */
  readonly shareWitnessRoot: Uint8Array
}

/** The fifteen fields of protocol §3.1; decoded, not yet judged. */
export interface ShareHeader {
  readonly prevShareHash: ShareHash
  readonly uncles: readonly ShareHash[]
  readonly minerBitcoinAddress: ConsensusAddress
  readonly minerAddress: WitnessProgram
  readonly bitcoinHeader: BitcoinHeader
  readonly bits: CompactBits
  /** u32, unix seconds. */
  readonly timeSec: number
  readonly donationAddress: ConsensusAddress | null
  /** u16 as decoded; above 10,000 is refused by the header gate. */
  readonly donationBps: Bps
  readonly feeAddress: ConsensusAddress | null
  readonly feeBps: Bps
  /** u64 as decoded; the coinbase proof bounds it. */
  readonly bitcoinHeight: bigint
  readonly coinbaseProof: CoinbaseProof
}

/** A whole share (protocol §8). `transactions[0]` is the share coinbase; `merkleBranch` is n × 32 bytes, leaf side first. */
export interface Share {
  readonly hash: ShareHash
  readonly header: ShareHeader
  readonly transactions: readonly Transaction[]
  readonly merkleBranch: Uint8Array
  readonly bitcoinCoinbase: Transaction
}

export type ShareValidity = 'headerValid' | 'invalid' | 'blockValid'

/** What the rules may ask about a share that is already known. `minerAddress` is the payout address text. */
export interface ShareFacts {
  readonly hash: ShareHash
  readonly prevHash: ShareHash
  readonly height: Height
  readonly bits: CompactBits
  readonly timeSec: number
  readonly uncles: readonly ShareHash[]
  readonly minerAddress: string
  readonly chainWork: Work
  readonly validity: ShareValidity
  readonly hasBody: boolean
}

/** Read-only view of the known shares; the share chain's header index implements it. */
export interface ChainView {
  facts(hash: ShareHash): ShareFacts | undefined
}

/** The facts of a verdict: numbers and hashes only, so a log line and a test can read them. */
export type RuleFacts = Readonly<Record<string, string | number | bigint>>

/** A rule's answer. A refusal is a value, never an exception. */
export type Checked = { readonly ok: true } | { readonly ok: false; readonly code: RuleCode; readonly facts: RuleFacts }

export const PASSED: Checked = Object.freeze({ ok: true })

/** A refusal with its code and facts. */
export function refused(code: RuleCode, facts: RuleFacts = {}): Checked {
  return { ok: false, code, facts }
}

const NETWORK_OF_CLASS = ['main', 'test', 'regtest'] as const satisfies readonly BitcoinNetwork[]

/**
 * The consensus form of an operator's or miner's address text; null if it is no valid address of that network.
 * Base58 addresses of regtest share the test networks' prefixes and therefore their class.
 */
export function consensusAddress(text: string, network: BitcoinNetwork): ConsensusAddress | null {
  const parsed = parseAddress(text, network)
  if (!parsed.ok) return null
  const addressClass: AddressClass = network === 'main' ? 0 : network === 'test' ? 1 : 2
  return consensusAddressFromScript(addressClass, parsed.script)
}

/**
 * Addresses of scripts met lately: each share names a miner of whom there were others. At the cap the one met first goes, and
 * is worked out again.
 */
const MAX_KNOWN_ADDRESSES = 4_096
const KNOWN = new BoundedMap<string, ConsensusAddress>(MAX_KNOWN_ADDRESSES)

/**
 * The address a decoded (class, script) pair stands for; null if the class is above 2 or the script is not P2PKH, P2SH or
 * a witness program of legal length (protocol §2.1).
 *
 * Class 2 with a P2PKH or P2SH script becomes class 1: both have one text, and shares are hashed over their re-encoding.
 * @param script copied, so that a view does not hold on to a whole message
 */
export function consensusAddressFromScript(addressClass: number, script: Uint8Array): ConsensusAddress | null {
  if (addressClass !== 0 && addressClass !== 1 && addressClass !== 2) return null
  const key = `${addressClass}${bytesToHex(script)}`
  const known = KNOWN.get(key)
  if (known !== undefined) return known
  const text = addressFromScript(script, NETWORK_OF_CLASS[addressClass])
  if (text === null) return null
  const isSharedForm = addressClass === 2 && !text.startsWith('bcrt1')
  const address: ConsensusAddress = {
    addressClass: isSharedForm ? 1 : addressClass,
    script: new Uint8Array(script),
    text
  }
  KNOWN.set(key, address)
  return address
}
