import {
  decodeTransaction,
  encodeTransactionStripped,
  merkleBranchOf,
  type TemplateTransaction,
  witnessCommitmentScriptOf
} from '@p2poolv2/bitcoin'
import { ByteReader, bytesEqual, bytesToHex, CodecError, invariant, type Sha256d, sha256d } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import { MAX_REQUESTED_TRANSACTIONS } from '../wire/template-messages.ts'
import { branchKeyOf, type TemplateBook } from './book.ts'

/** No block holds more bytes of transactions. */
export const MAX_TEMPLATE_BYTES = 4_000_000

/** What a download does next. */
export type DownloadStep =
  | { readonly type: 'list' }
  | { readonly type: 'transactions'; readonly indexes: readonly number[] }
  | { readonly type: 'complete'; readonly transactions: readonly TemplateTransaction[] }

/** Why what a peer gave is of no use. `lie`: it could have known; `absent`: it has nothing (any more). */
export type DownloadProblem =
  | { readonly type: 'absent' }
  | { readonly type: 'lie'; readonly peer: PeerId }
  | { readonly type: 'oversize'; readonly peer: PeerId }

/**
 * One template on its way here: a list of wtxids first, then the transactions that are not in the book. Whatever comes is
 * measured against what names it: transactions against their wtxids, all of them against the merkle branch, and their
 * witnesses against the commitment in the block's coinbase.
 */
export class TemplateDownload {
  readonly branchKey: Uint8Array
  /** The witness commitment script of the block that wants the template; null while any witnesses will do. */
  commitment: Uint8Array | null = null
  readonly #sha256d: Sha256d
  #list: { readonly from: PeerId; readonly wtxids: Uint8Array } | null = null
  #transactions: (TemplateTransaction | undefined)[] = []
  #bytes = 0
  /** What was fetched, by wtxid: kept when another peer's list takes over. Not above `MAX_TEMPLATE_BYTES`. */
  readonly #fetched = new Map<string, TemplateTransaction>()
  #fetchedBytes = 0

  constructor(branchKey: Uint8Array, hash: Sha256d = sha256d) {
    this.branchKey = branchKey
    this.#sha256d = hash
  }

  /** Transactions that had to be asked for. */
  get fetched(): number {
    return this.#fetched.size
  }

  /** Whose list it is. */
  get source(): PeerId | null {
    return this.#list?.from ?? null
  }

  get step(): DownloadStep {
    if (this.#list === null) return { type: 'list' }
    const indexes: number[] = []
    const transactions: TemplateTransaction[] = []
    this.#transactions.forEach((transaction, index) => {
      if (transaction !== undefined) transactions.push(transaction)
      else if (indexes.length < MAX_REQUESTED_TRANSACTIONS) indexes.push(index)
    })
    return indexes.length > 0 ? { type: 'transactions', indexes } : { type: 'complete', transactions }
  }

  /** Takes the list; transactions in the book need not be fetched. @returns what is wrong with it */
  takeList(from: PeerId, wtxids: Uint8Array, book: TemplateBook): DownloadProblem | null {
    if (wtxids.length === 0) return { type: 'absent' }
    this.reset()
    this.#list = { from, wtxids }
    for (let at = 0; at < wtxids.length; at += 32) {
      const wtxid = bytesToHex(wtxids.subarray(at, at + 32))
      const known = this.#fetched.get(wtxid) ?? book.transaction(wtxid)
      this.#transactions.push(known)
      this.#bytes += known === undefined ? 0 : known.dataHex.length / 2
    }
    return this.#judge()
  }

  /**
   * Takes transactions, the first of those that `step` asked for. @returns what is wrong with them
   * @param indexes those asked for
   */
  takeTransactions(from: PeerId, indexes: readonly number[], given: readonly Uint8Array[]): DownloadProblem | null {
    const list = this.#list
    invariant(list !== null, 'transactions are asked for by a list')
    if (given.length === 0) return { type: 'absent' }
    if (given.length > indexes.length) return { type: 'lie', peer: from }
    for (const [i, bytes] of given.entries()) {
      const index = indexes[i] ?? 0
      const wtxidWire = this.#sha256d(bytes)
      if (!bytesEqual(wtxidWire, list.wtxids.subarray(index * 32, index * 32 + 32))) return { type: 'lie', peer: from }
      const transaction = readTransaction(bytes, wtxidWire, this.#sha256d)
      // A name that no transaction can have: whoever listed it made it up.
      if (transaction === null) return this.#discard({ type: 'lie', peer: list.from })
      this.#transactions[index] = transaction
      this.#bytes += bytes.length
      this.#keep(transaction, bytes.length)
    }
    return this.#judge()
  }

  /** Forgets the list of a peer that can be of no more help. */
  reset(): void {
    this.#list = null
    this.#transactions = []
    this.#bytes = 0
  }

  #judge(): DownloadProblem | null {
    const list = this.#list
    if (list === null) return null
    if (this.#bytes > MAX_TEMPLATE_BYTES) return this.#discard({ type: 'oversize', peer: list.from })
    const { step } = this
    if (step.type !== 'complete') return null
    const branch = merkleBranchOf(step.transactions.map(transaction => transaction.txidWire))
    if (!bytesEqual(branchKeyOf(branch), this.branchKey)) return this.#discard({ type: 'lie', peer: list.from })
    if (this.commitment === null || bytesEqual(witnessCommitmentScriptOf(step.transactions), this.commitment))
      return null
    // The right transactions with other witnesses: the peer’s own template, honestly given, and not the block’s.
    return this.#discard({ type: 'absent' })
  }

  #keep(transaction: TemplateTransaction, sizeBytes: number): void {
    if (this.#fetchedBytes + sizeBytes > MAX_TEMPLATE_BYTES) {
      this.#fetched.clear()
      this.#fetchedBytes = 0
    }
    this.#fetched.set(bytesToHex(transaction.wtxidWire), transaction)
    this.#fetchedBytes += sizeBytes
  }

  #discard(problem: DownloadProblem): DownloadProblem {
    this.reset()
    return problem
  }
}

/** Null for bytes that are no transaction. */
function readTransaction(bytes: Uint8Array, wtxidWire: Uint8Array, hash: Sha256d): TemplateTransaction | null {
  try {
    const reader = new ByteReader(bytes)
    const stripped = encodeTransactionStripped(decodeTransaction(reader))
    reader.expectEnd()
    const weight = stripped.length * 3 + bytes.length
    return { txidWire: hash(stripped), wtxidWire, dataHex: bytesToHex(bytes), weight }
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
