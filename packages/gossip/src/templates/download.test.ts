import { merkleBranchOf, type TemplateTransaction, witnessCommitmentScriptOf } from '@p2poolv2/bitcoin'
import { concatBytes, hexToBytes, sha256d } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { blockTemplate, templateTransaction } from '../testing/templates.ts'
import { branchKeyOf, TemplateBook } from './book.ts'
import { MAX_TEMPLATE_BYTES, TemplateDownload } from './download.ts'

const transactions = [1, 2, 3, 4].map(number => templateTransaction(number))
const bytesOf = (list: readonly TemplateTransaction[]) => list.map(({ dataHex }) => hexToBytes(dataHex))
const listOf = (list: readonly TemplateTransaction[]) => concatBytes(...list.map(({ wtxidWire }) => wtxidWire))
const keyOf = (list: readonly TemplateTransaction[]) =>
  branchKeyOf(merkleBranchOf(list.map(({ txidWire }) => txidWire)))

let book: TemplateBook
let download: TemplateDownload

beforeEach(() => {
  book = new TemplateBook()
  download = new TemplateDownload(keyOf(transactions))
})

it('asks for the list, then for what is not in the book, and is complete', () => {
  book.addOwn(blockTemplate({ transactions: transactions.slice(1, 3) }))
  expect(download.step).toEqual({ type: 'list' })
  expect(download.takeList('ann', listOf(transactions), book)).toBeNull()
  expect(download.step).toEqual({ type: 'transactions', indexes: [0, 3] })
  // An answer may hold the first of them only.
  expect(download.takeTransactions('ann', [0, 3], bytesOf(transactions.slice(0, 1)))).toBeNull()
  expect(download.step).toEqual({ type: 'transactions', indexes: [3] })
  expect(download.takeTransactions('ann', [3], bytesOf(transactions.slice(3)))).toBeNull()
  expect(download.step).toEqual({ type: 'complete', transactions })
  expect([download.source, download.fetched]).toEqual(['ann', 2])
})

it('keeps what it has when another peer takes over', () => {
  download.takeList('ann', listOf(transactions), book)
  download.takeTransactions('ann', [0, 1, 2, 3], bytesOf(transactions.slice(0, 3)))
  expect(download.takeTransactions('ann', [3], [])).toEqual({ type: 'absent' })
  download.reset()
  download.takeList('bob', listOf(transactions), book)
  expect(download.step).toEqual({ type: 'transactions', indexes: [3] })
})

describe('lies are told from their bytes, and laid to the one who told them', () => {
  it('an empty list is no lie', () => {
    expect(download.takeList('ann', new Uint8Array(0), book)).toEqual({ type: 'absent' })
  })

  it('a transaction that is not the one named', () => {
    download.takeList('ann', listOf(transactions), book)
    expect(download.takeTransactions('bob', [0], bytesOf([templateTransaction(9)]))).toEqual({
      type: 'lie',
      peer: 'bob'
    })
  })

  it('more transactions than were asked for', () => {
    download.takeList('ann', listOf(transactions), book)
    expect(download.takeTransactions('ann', [0], bytesOf(transactions.slice(0, 2)))).toEqual({
      type: 'lie',
      peer: 'ann'
    })
  })

  it('a name that stands for no transaction', () => {
    const junk = new Uint8Array([1, 2, 3])
    download.takeList('ann', sha256d(junk), book)
    expect(download.takeTransactions('bob', [0], [junk])).toEqual({ type: 'lie', peer: 'ann' })
    expect(download.step).toEqual({ type: 'list' })
  })

  it('a list of another template', () => {
    book.addOwn(blockTemplate({ transactions: transactions.slice(0, 2) }))
    expect(download.takeList('ann', listOf(transactions.slice(0, 2)), book)).toEqual({ type: 'lie', peer: 'ann' })
  })

  it('the right transactions in another order', () => {
    book.addOwn(blockTemplate({ transactions }))
    expect(download.takeList('ann', listOf([...transactions].reverse()), book)).toEqual({ type: 'lie', peer: 'ann' })
  })

  it('a template that no block can hold', () => {
    const large = Array.from({ length: 5 }, (_, i) => padded(i, 990_000))
    download.takeList('ann', listOf(large), book)
    const given = bytesOf(large)
    expect(large.reduce((sum, { dataHex }) => sum + dataHex.length / 2, 0)).toBeGreaterThan(MAX_TEMPLATE_BYTES)
    expect(download.takeTransactions('ann', [0, 1, 2, 3, 4], given)).toEqual({ type: 'oversize', peer: 'ann' })
  })
})

it('other witnesses than the block commits to are no lie, and not what is looked for', () => {
  book.addOwn(blockTemplate({ transactions }))
  download.commitment = witnessCommitmentScriptOf(transactions.slice(1))
  expect(download.takeList('ann', listOf(transactions), book)).toEqual({ type: 'absent' })
  download.commitment = witnessCommitmentScriptOf(transactions)
  expect(download.takeList('ann', listOf(transactions), book)).toBeNull()
})

/** A transaction with many outputs. */
function padded(number: number, sizeBytes: number): TemplateTransaction {
  const one = templateTransaction(number)
  const bytes = hexToBytes(one.dataHex)
  const outputs = Math.floor(sizeBytes / 10)
  const count = new Uint8Array([0xfe, outputs, outputs >> 8, outputs >> 16, 0])
  const body = new Uint8Array(outputs * 10)
  for (let i = 0; i < outputs; i++) body.set(bytes.subarray(47, 55), i * 10)
  for (let i = 0; i < outputs; i++) body[i * 10 + 8] = 1
  const whole = concatBytes(bytes.subarray(0, 46), count, body, bytes.subarray(-4))
  const wtxidWire = sha256d(whole)
  return { txidWire: wtxidWire, wtxidWire, dataHex: Buffer.from(whole).toString('hex'), weight: whole.length * 4 }
}
