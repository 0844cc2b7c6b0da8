import { witnessCommitmentScriptOf } from '@p2poolv2/bitcoin'
import { bigIntFromBits, bytesToHex, type CompactBits } from '@p2poolv2/primitives'
import type { ChainBlock } from './block-tree.ts'
import { subsidySats } from './check-block.ts'

/** The fields of a `getblocktemplate` answer without transactions, named as bitcoind names them. */
export interface DevTemplate {
  readonly capabilities: readonly string[]
  readonly version: number
  readonly rules: readonly string[]
  readonly vbavailable: Readonly<Record<string, number>>
  readonly vbrequired: number
  readonly previousblockhash: string
  readonly transactions: readonly never[]
  readonly coinbaseaux: Readonly<Record<string, string>>
  readonly coinbasevalue: number
  readonly longpollid: string
  readonly target: string
  readonly mintime: number
  readonly mutable: readonly string[]
  readonly noncerange: string
  readonly sigoplimit: number
  readonly sizelimit: number
  readonly weightlimit: number
  readonly curtime: number
  readonly bits: string
  readonly height: number
  readonly default_witness_commitment: string
}

const TEMPLATE_VERSION = 0x2000_0000

/** What a miner needs for the block after `tip`, with these bits. */
export function devTemplate(tip: ChainBlock, curTimeSec: number, bits: CompactBits): DevTemplate {
  const bitcoinHeight = tip.bitcoinHeight + 1
  return {
    capabilities: ['proposal'],
    version: TEMPLATE_VERSION,
    rules: ['csv', '!segwit', 'taproot'],
    vbavailable: {},
    vbrequired: 0,
    previousblockhash: tip.hash,
    transactions: [],
    coinbaseaux: {},
    coinbasevalue: Number(subsidySats(bitcoinHeight)),
    // Changes with the bits as well: a stall makes work that is better than the last.
    longpollid: `${tip.hash}${hex(bits, 8)}`,
    target: hex(bigIntFromBits(bits), 64),
    mintime: earliestTimeSec(tip),
    mutable: ['time', 'transactions', 'prevblock'],
    noncerange: '00000000ffffffff',
    sigoplimit: 80_000,
    sizelimit: 4_000_000,
    weightlimit: 4_000_000,
    curtime: curTimeSec,
    bits: hex(bits, 8),
    height: bitcoinHeight,
    default_witness_commitment: bytesToHex(witnessCommitmentScriptOf([]))
  }
}

/** The first second that a block after `parent` may name. */
export function earliestTimeSec(parent: ChainBlock): number {
  return parent.medianTimeSec + 1
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
