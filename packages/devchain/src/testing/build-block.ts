import {
  type BitcoinHeader,
  encodeBitcoinHeader,
  merkleRoot,
  pushData,
  scriptNumberPush,
  type Transaction,
  txidWire,
  witnessProgramScript
} from '@p2poolv2/bitcoin'
import {
  asciiToBytes,
  concatBytes,
  hashMeetsTarget,
  hexToBytes,
  sha256d80Into,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { encodeBlock } from '../block.ts'
import type { DifficultyRule } from '../difficulty.ts'
import type { DevTemplate } from '../template.ts'

/** Regtest's: every second hash will do, always. */
export const REGTEST_DIFFICULTY: DifficultyRule = {
  spacingSec: 30,
  startBits: 0x207f_ffff,
  easiestBits: 0x207f_ffff,
  hardestBits: 0x207f_ffff,
  windowBlocks: 16,
  stallSec: 0xffff_ffff
}

/** The fields of `getblocktemplate` that a block without transactions is built from. */
export type TemplateFields = Pick<
  DevTemplate,
  | 'version'
  | 'previousblockhash'
  | 'bits'
  | 'curtime'
  | 'mintime'
  | 'height'
  | 'coinbasevalue'
  | 'default_witness_commitment'
>

/** What is different from the plain good block. */
export interface BlockChanges {
  /** Applied to the finished coinbase; the merkle root follows it. */
  readonly coinbase?: (coinbase: Transaction) => Transaction
  /** Behind the coinbase; the merkle root follows them, the commitment does not. */
  readonly transactions?: readonly Transaction[]
  /** Over the finished header. */
  readonly header?: Partial<BitcoinHeader>
  /** Whether the hash meets the header's bits; `meets` when absent. */
  readonly work?: 'meets' | 'misses'
  /** Bytes behind the block. */
  readonly trailing?: Uint8Array
}

/** Mines a block on a template: one P2WPKH payee and the witness commitment. Takes as many hashes as `bits` say. */
export function buildBlock(template: TemplateFields, changes: BlockChanges = {}): Uint8Array {
  const plain = plainCoinbase(template)
  const coinbase = changes.coinbase?.(plain) ?? plain
  const transactions = [coinbase, ...(changes.transactions ?? [])]
  const header: BitcoinHeader = {
    version: template.version,
    prevHashWire: wireFromDisplay(template.previousblockhash),
    merkleRootWire: merkleRoot(transactions.map(txidWire)),
    timeSec: template.curtime,
    bits: Number.parseInt(template.bits, 16),
    nonce: 0,
    ...changes.header
  }
  const mined = withNonce(header, changes.work ?? 'meets')
  return concatBytes(encodeBlock({ header: mined, transactions }), changes.trailing ?? new Uint8Array(0))
}

function plainCoinbase(template: TemplateFields): Transaction {
  return {
    version: 2,
    inputs: [
      {
        prevTxidWire: new Uint8Array(32),
        prevIndex: 0xffff_ffff,
        scriptSig: concatBytes(scriptNumberPush(template.height), pushData(asciiToBytes('built by a test'))),
        sequence: 0xffff_ffff,
        witness: [new Uint8Array(32)]
      }
    ],
    outputs: [
      { valueSats: BigInt(template.coinbasevalue), script: witnessProgramScript(0, new Uint8Array(20).fill(0x11)) },
      { valueSats: 0n, script: hexToBytes(template.default_witness_commitment) }
    ],
    lockTime: 0
  }
}

function withNonce(header: BitcoinHeader, work: 'meets' | 'misses'): BitcoinHeader {
  const bytes = encodeBitcoinHeader(header)
  const target = targetFromBits(header.bits)
  const hash = new Uint8Array(32)
  for (let nonce = 0; nonce <= 0xffff_ffff; nonce++) {
    bytes[76] = nonce & 0xff
    bytes[77] = (nonce >>> 8) & 0xff
    bytes[78] = (nonce >>> 16) & 0xff
    bytes[79] = nonce >>> 24
    sha256d80Into(bytes, 0, hash, 0)
    if (hashMeetsTarget(hash, target) === (work === 'meets')) return { ...header, nonce }
  }
  throw new RangeError('no nonce will do')
}
