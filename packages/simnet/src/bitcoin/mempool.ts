import {
  encodeTransaction,
  encodeTransactionStripped,
  type Transaction,
  txidWire,
  witnessProgramScript,
  wtxidWire
} from '@p2poolv2/bitcoin'
import { BoundedMap, bytesToHex, bytesToHexReversed, type SeededRng, type UnixMs } from '@p2poolv2/primitives'
import { below } from '../chance.ts'

/** A transaction as `getblocktemplate` lists it. */
export interface MempoolTransaction {
  /** Its number in order of arrival. */
  readonly index: number
  /** Display order. */
  readonly txid: string
  readonly wtxid: string
  readonly dataHex: string
  readonly weight: number
  readonly feeSats: number
}

export interface MempoolOptions {
  readonly startMs: UnixMs
  /** One transaction comes every so many milliseconds. */
  readonly arrivalMs: number
  /** Nodes fall into so many groups, which hear of new transactions at different times. */
  readonly groups: number
}

/** Every transaction spends one P2WPKH output, which is one signature check in a witness (BIP141). */
export const SIGOPS_COST = 1

/** A transaction of another group's is heard of this much later. */
const HEARSAY_MS = 20_000
/** What a template lists at most: the newest. */
const MAX_LISTED = 12
/** Those of some hours: a block that comes later than so is not judged. The oldest goes. */
const KEPT_TRANSACTIONS = 5_000

/**
 * The transactions of the virtual bitcoin network. They are well-formed (BIP144, real ids) and spend coins nobody ever
 * looks up; their order and content follow from the seed alone.
 */
export class Mempool {
  readonly #options: MempoolOptions
  readonly #rng: SeededRng
  readonly #made = new BoundedMap<number, MempoolTransaction>(KEPT_TRANSACTIONS)
  readonly #byTxid = new BoundedMap<string, MempoolTransaction>(KEPT_TRANSACTIONS)

  constructor(options: MempoolOptions, rng: SeededRng) {
    this.#options = options
    this.#rng = rng
  }

  /** Transactions that have come by now. */
  countAt(nowMs: number): number {
    const { startMs, arrivalMs } = this.#options
    return Math.max(0, Math.floor((nowMs - startMs) / arrivalMs))
  }

  /** What a node of this group would list in a template, oldest first. @param firstOpen the first not in a block */
  listFor(group: number, firstOpen: number, nowMs: number): MempoolTransaction[] {
    const { groups } = this.#options
    const arrived = this.countAt(nowMs)
    const heardByAll = this.countAt(nowMs - HEARSAY_MS)
    const listed: MempoolTransaction[] = []
    for (let index = Math.max(firstOpen, arrived - MAX_LISTED); index < arrived; index++) {
      const isHeard = index < heardByAll || groups < 2 || index % groups !== group
      if (isHeard) listed.push(this.#transaction(index))
    }
    return listed
  }

  /** Undefined for a transaction that never was in any template. */
  byTxid(txid: string): MempoolTransaction | undefined {
    return this.#byTxid.get(txid)
  }

  #transaction(index: number): MempoolTransaction {
    const known = this.#made.get(index)
    if (known !== undefined) return known
    const rng = this.#rng.fork(`tx:${index}`)
    const transaction: Transaction = {
      version: 2,
      inputs: [
        {
          prevTxidWire: rng.bytes(32),
          prevIndex: below(rng, 4),
          scriptSig: new Uint8Array(0),
          sequence: 0xffff_fffd,
          witness: [rng.bytes(71), rng.bytes(33)]
        }
      ],
      outputs: [
        { valueSats: BigInt(10_000 + below(rng, 1_000_000)), script: witnessProgramScript(0, rng.bytes(20)) },
        { valueSats: BigInt(10_000 + below(rng, 1_000_000)), script: witnessProgramScript(0, rng.bytes(20)) }
      ],
      lockTime: 0
    }
    const whole = encodeTransaction(transaction)
    const made: MempoolTransaction = {
      index,
      txid: bytesToHexReversed(txidWire(transaction)),
      wtxid: bytesToHexReversed(wtxidWire(transaction)),
      dataHex: bytesToHex(whole),
      weight: encodeTransactionStripped(transaction).length * 3 + whole.length,
      feeSats: 200 + below(rng, 5_000)
    }
    this.#made.set(index, made)
    this.#byTxid.set(made.txid, made)
    return made
  }
}
