import type { BitcoinHeight, BlockHash, Bytes32, CompactBits, Sats, Target } from '@p2poolv2/primitives'
import {
  bigIntFromBits,
  blockHash,
  bytesEqual,
  concatBytes,
  sha256d,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { BITCOIN_HEIGHT_LIMIT, MAX_TEMPLATE_AUX_FLAGS_BYTES } from './coinbase.ts'
import { merkleBranchOf, merkleRoot } from './merkle.ts'
import { isWitnessCommitmentScript, WITNESS_COMMITMENT_PREFIX } from './script.ts'
import { LEGACY_SIGOP_COST, MAX_BLOCK_SIGOPS_COST } from './sigops.ts'
import { JsonObject, TemplateFieldError } from './template-json.ts'

/** Header version bits 5 to 28, which miners roll (BIP323). They are zero in every template's version here. */
export const VERSION_ROLLING_MASK = 0x1fff_ffe0

/** A block's weight at most (BIP141). */
export const MAX_BLOCK_WEIGHT = 4_000_000

/** More would need a merkle branch of 17 nodes (protocol §5.6); at the cap the template is refused. */
export const MAX_TEMPLATE_TRANSACTIONS = 65_535

/** 21 million bitcoin. */
export const MAX_MONEY_SATS = 2_100_000_000_000_000n

const U32_MAX = 0xffff_ffff
/** Shared by the many. */
const NO_PARENTS: readonly TemplateTransaction[] = []
/** A template with a larger transaction is refused. */
const MAX_TRANSACTION_BYTES = MAX_BLOCK_WEIGHT
/** A template with a longer id is refused; bitcoind gives some 70 characters. */
const MAX_LONG_POLL_ID_LENGTH = 256
/** A template with more rules is refused; bitcoind gives about four. */
const MAX_RULES = 256
/** A script of consensus size. */
const MAX_CHALLENGE_BYTES = 10_000

/** The rules marked `!` that we know to obey; a block made without knowing another one might be invalid (BIP9, BIP22). */
const KNOWN_MANDATORY_RULES: ReadonlySet<string> = new Set(['!segwit', '!signet'])

export interface TemplateTransaction {
  /** 32 bytes, wire order */
  readonly txidWire: Bytes32
  /** 32 bytes, wire order; bitcoind's `hash` */
  readonly wtxidWire: Bytes32
  /** The whole transaction with witness, as bitcoind gave it. */
  readonly dataHex: string
  readonly weight: number
  /** Absent if bitcoind did not say. */
  readonly feeSats?: Sats
  /** Of the block's MAX_BLOCK_SIGOPS_COST; absent if bitcoind did not say, which does not mean none (BIP22). */
  readonly sigopsCost?: number
  /** Transactions of the template before this one that it spends; absent if bitcoind did not say. */
  readonly parents?: readonly TemplateTransaction[]
}

/** A checked `getblocktemplate` answer. */
export interface BlockTemplate {
  readonly bitcoinHeight: BitcoinHeight
  /** i32; the bits of `VERSION_ROLLING_MASK` are zero */
  readonly version: number
  readonly prevHash: BlockHash
  /** 32 bytes, wire order */
  readonly prevHashWire: Bytes32
  readonly bits: CompactBits
  readonly bitcoinTarget: Target
  readonly curTimeSec: number
  readonly minTimeSec: number
  /** What the signature checks of a block may cost. */
  readonly sigopsCostLimit: number
  /** Subsidy and fees. */
  readonly coinbaseValueSats: Sats
  /** 38 bytes; null if bitcoind gave none, and then no transaction has a witness */
  readonly witnessCommitmentScript: Uint8Array | null
  /** 0 to 32 bytes */
  readonly auxFlags: Uint8Array
  readonly transactions: readonly TemplateTransaction[]
  /** Hashes of 32 bytes, wire order, leaf side first, concatenated. */
  readonly merkleBranch: Uint8Array
  readonly longPollId: string | null
  readonly signetChallenge: Uint8Array | null
}

/**
 * Checks bitcoind's `getblocktemplate` answer once, at the door: types, ranges, that target and bits agree, and that the
 * witness commitment is that of the transactions. Whether `data` hashes to `txid` is not checked: it would cost a hash of
 * the whole block on every refresh, and bitcoind is the one who judges the block.
 * @returns the reason begins with the field's path, for example `transactions[3].txid: is not 64 hex digits`
 * Cost: two hashes of 64 bytes a transaction, and a scan of the data.
 */
export function parseTemplate(
  json: unknown
): { readonly ok: true; readonly template: BlockTemplate } | { readonly ok: false; readonly reason: string } {
  try {
    return { ok: true, template: readTemplate(new JsonObject(json, '')) }
  } catch (error) {
    if (error instanceof TemplateFieldError) return { ok: false, reason: error.message }
    throw error
  }
}

function readTemplate(json: JsonObject): BlockTemplate {
  refuseUnknownRules(json)
  const prevHash = blockHash(json.hash('previousblockhash'))
  const bits = readBits(json)
  const minTimeSec = json.integer('mintime', [0, U32_MAX])
  const sigopsLimit = json.optionalInteger('sigoplimit', [0, MAX_BLOCK_SIGOPS_COST]) ?? MAX_BLOCK_SIGOPS_COST
  // Before segwit is active, and then only, bitcoind counts signature checks without their cost (BIP145).
  const sigopsUnit = sigopsLimit * LEGACY_SIGOP_COST === MAX_BLOCK_SIGOPS_COST ? LEGACY_SIGOP_COST : 1
  const transactions = readTransactions(json, sigopsUnit)
  return {
    bitcoinHeight: json.integer('height', [1, BITCOIN_HEIGHT_LIMIT - 1]),
    version: readVersion(json),
    prevHash,
    prevHashWire: wireFromDisplay(prevHash),
    bits,
    bitcoinTarget: targetFromBits(bits),
    curTimeSec: json.integer('curtime', [minTimeSec, U32_MAX]),
    minTimeSec,
    sigopsCostLimit: sigopsLimit * sigopsUnit,
    coinbaseValueSats: BigInt(json.integer('coinbasevalue', [0, Number(MAX_MONEY_SATS)])),
    witnessCommitmentScript: readWitnessCommitment(json, transactions),
    auxFlags: readAuxFlags(json),
    transactions,
    merkleBranch: merkleBranchOf(transactions.map(transaction => transaction.txidWire)),
    longPollId: json.optionalText('longpollid', MAX_LONG_POLL_ID_LENGTH),
    signetChallenge: json.optionalBytes('signet_challenge', MAX_CHALLENGE_BYTES)
  }
}

function refuseUnknownRules(json: JsonObject): void {
  if (!json.has('rules')) return
  for (const rule of json.array('rules', MAX_RULES)) {
    if (typeof rule !== 'string') throw json.error('rules', 'has an item that is not text')
    if (rule.startsWith('!') && !KNOWN_MANDATORY_RULES.has(rule)) {
      throw json.error('rules', `demands ${JSON.stringify(rule.slice(0, 32))}, a rule that this software does not know`)
    }
  }
}

/** Rolled bits in the template's version would be signals that the miner overwrites, so they are cleared for all. */
function readVersion(json: JsonObject): number {
  const version = json.integer('version', [-0x8000_0000, 0x7fff_ffff])
  const required = json.optionalInteger('vbrequired', [0, U32_MAX]) ?? 0
  if ((required & VERSION_ROLLING_MASK) !== 0) {
    throw json.error('vbrequired', 'demands a version bit that miners roll, so blocks would be invalid')
  }
  return version & ~VERSION_ROLLING_MASK
}

function readBits(json: JsonObject): CompactBits {
  const hex = json.hex('bits', 4)
  if (hex.length !== 8) throw json.error('bits', 'is not 8 hex digits')
  const bits = Number.parseInt(hex, 16)
  const target = bigIntFromBits(bits)
  if (target === 0n) throw json.error('bits', 'is a target that no hash can meet')
  if (BigInt(`0x${json.hash('target')}`) !== target) throw json.error('target', 'is not the target of bits')
  return bits
}

function readAuxFlags(json: JsonObject): Uint8Array {
  if (!json.has('coinbaseaux')) return new Uint8Array(0)
  return json.object('coinbaseaux').optionalBytes('flags', MAX_TEMPLATE_AUX_FLAGS_BYTES) ?? new Uint8Array(0)
}

function readTransactions(json: JsonObject, sigopsUnit: number): TemplateTransaction[] {
  const seen = new Set<string>()
  const transactions: TemplateTransaction[] = []
  let totalWeight = 0
  for (const [index, item] of json.array('transactions', MAX_TEMPLATE_TRANSACTIONS).entries()) {
    const fields = new JsonObject(item, `transactions[${index}]`)
    const txid = fields.hash('txid')
    if (seen.has(txid)) throw fields.error('txid', 'is listed twice')
    seen.add(txid)
    const weight = fields.integer('weight', [1, MAX_BLOCK_WEIGHT])
    totalWeight += weight
    if (totalWeight > MAX_BLOCK_WEIGHT) throw json.error('transactions', `weigh more than ${MAX_BLOCK_WEIGHT}`)
    const dataHex = fields.hex('data', MAX_TRANSACTION_BYTES)
    if (dataHex === '') throw fields.error('data', 'is empty')
    const feeSats = fields.optionalInteger('fee', [0, Number(MAX_MONEY_SATS)])
    const sigops = fields.optionalInteger('sigops', [0, MAX_BLOCK_SIGOPS_COST])
    const parents = readParents(fields, transactions)
    transactions.push({
      txidWire: wireFromDisplay(txid),
      wtxidWire: wireFromDisplay(fields.hash('hash')),
      dataHex,
      weight,
      ...(feeSats === null ? {} : { feeSats: BigInt(feeSats) }),
      ...(sigops === null ? {} : { sigopsCost: sigops * sigopsUnit }),
      ...(parents === null ? {} : { parents })
    })
  }
  return transactions
}

/** `depends` counts from 1 (BIP22). A block whose transactions come before their parents is invalid. */
function readParents(
  fields: JsonObject,
  before: readonly TemplateTransaction[]
): readonly TemplateTransaction[] | null {
  if (!fields.has('depends')) return null
  const depends = fields.array('depends', before.length)
  if (depends.length === 0) return NO_PARENTS
  return depends.map(position => {
    const parent = typeof position === 'number' ? before[position - 1] : undefined
    if (parent === undefined) throw fields.error('depends', 'names something that is not a transaction before this one')
    return parent
  })
}

function readWitnessCommitment(json: JsonObject, transactions: readonly TemplateTransaction[]): Uint8Array | null {
  const field = 'default_witness_commitment'
  const script = json.optionalBytes(field, 256)
  if (script === null) {
    if (transactions.every(({ txidWire, wtxidWire }) => bytesEqual(txidWire, wtxidWire))) return null
    throw json.error(field, 'is missing although a transaction has a witness')
  }
  if (!isWitnessCommitmentScript(script)) throw json.error(field, 'is not 6a24aa21a9ed and 32 bytes')
  if (!bytesEqual(script, witnessCommitmentScriptOf(transactions))) {
    throw json.error(field, 'is not the commitment of the transactions')
  }
  return script
}

/**
 * The witness commitment script of a block (BIP141), for a coinbase whose witness is 32 zero bytes.
 * @returns 38 bytes
 */
export function witnessCommitmentScriptOf(transactions: readonly TemplateTransaction[]): Uint8Array {
  // The coinbase stands for itself with a zero hash.
  const root = merkleRoot([new Uint8Array(32), ...transactions.map(transaction => transaction.wtxidWire)])
  return concatBytes(WITNESS_COMMITMENT_PREFIX, sha256d(concatBytes(root, new Uint8Array(32))))
}
