import { type BlockTemplate, MAX_BLOCK_SIGOPS_COST, parseTemplate, witnessCommitmentScriptOf } from '@p2poolv2/bitcoin'
import { subsidySats } from '@p2poolv2/devchain'
import {
  BoundedMap,
  bigIntFromBits,
  bytesToHex,
  type CompactBits,
  InvariantError,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { type Mempool, SIGOPS_COST } from './mempool.ts'
import { medianTimeSec, type VirtualBlock } from './virtual-block.ts'

/** Templates kept because other nodes will ask for the very same one; the oldest goes. */
const KEPT_TEMPLATES = 512
const TEMPLATE_VERSION = 0x2000_0000

/** Which template a node asks for. */
export interface TemplateRequest {
  readonly tip: VirtualBlock
  readonly group: number
  /** The true time, to which the mempool's content belongs. */
  readonly atMs: number
  /** How far the asking node's clock is ahead. */
  readonly skewSec: number
}

/**
 * Makes `getblocktemplate` answers and puts them through the door every answer goes through. Nodes that ask for the same
 * thing at the same time get the same object, as it is never changed.
 */
export class TemplateSource {
  readonly #mempool: Mempool
  readonly #bits: CompactBits
  readonly #made = new BoundedMap<string, BlockTemplate>(KEPT_TEMPLATES)

  constructor(mempool: Mempool, bits: CompactBits) {
    this.#mempool = mempool
    this.#bits = bits
  }

  template(request: TemplateRequest): BlockTemplate {
    const { tip, group, atMs, skewSec } = request
    const key = `${tip.hash}:${group}:${atMs}:${skewSec}`
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const parsed = parseTemplate(this.#answer(request))
    if (!parsed.ok) throw new InvariantError(`a virtual template is sound, but ${parsed.reason}`)
    this.#made.set(key, parsed.template)
    return parsed.template
  }

  #answer({ tip, group, atMs, skewSec }: TemplateRequest): unknown {
    const transactions = this.#mempool.listFor(group, tip.firstOpen, atMs)
    const bitcoinHeight = tip.bitcoinHeight + 1
    const minTimeSec = medianTimeSec(tip) + 1
    const fees = transactions.reduce((sum, { feeSats }) => sum + feeSats, 0)
    const commitment = witnessCommitmentScriptOf(
      transactions.map(({ txid, wtxid, dataHex, weight }) => ({
        txidWire: wireFromDisplay(txid),
        wtxidWire: wireFromDisplay(wtxid),
        dataHex,
        weight
      }))
    )
    return {
      version: TEMPLATE_VERSION,
      rules: ['csv', '!segwit', 'taproot'],
      vbrequired: 0,
      previousblockhash: tip.hash,
      transactions: transactions.map(({ txid, wtxid, dataHex, weight, feeSats }) => ({
        data: dataHex,
        txid,
        hash: wtxid,
        weight,
        fee: feeSats,
        sigops: SIGOPS_COST,
        depends: []
      })),
      coinbaseaux: {},
      sigoplimit: MAX_BLOCK_SIGOPS_COST,
      coinbasevalue: Number(subsidySats(bitcoinHeight)) + fees,
      longpollid: `${tip.hash}${transactions.length}`,
      target: bigIntFromBits(this.#bits).toString(16).padStart(64, '0'),
      mintime: minTimeSec,
      curtime: Math.max(minTimeSec, Math.floor(atMs / 1_000) + skewSec),
      bits: this.#bits.toString(16).padStart(8, '0'),
      height: bitcoinHeight,
      default_witness_commitment: bytesToHex(commitment)
    }
  }
}
