import { encodeHeaderBatch, genesisShare } from '@p2poolv2/consensus'
import { bytesToHex, CodecError } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { blockTemplate, templateTransaction } from '../testing/templates.ts'
import { joinHeaderBatches } from './header-join.ts'

const builder = new ChainBuilder(easyParams())
const templates = [1, 2].map(n => blockTemplate({ transactions: [templateTransaction(n), templateTransaction(n + 5)] }))
const shares = Array.from({ length: 12 }, (_, i) => {
  const template = templates[i % 3]
  return builder.build({ parent: builder.known.confirmedTip().hash, ...(template === undefined ? {} : { template }) })
})

it('joins stored headers to the very bytes that encoding them together gives, branches shared', () => {
  const items = [genesisShare(easyParams()), ...shares]
  const stored = items.map(item => encodeHeaderBatch([item]))
  expect(bytesToHex(joinHeaderBatches(stored))).toBe(bytesToHex(encodeHeaderBatch(items)))
})

it('joins nothing to the empty batch', () => {
  expect(bytesToHex(joinHeaderBatches([]))).toBe('0000')
})

it.each([
  ['an empty batch', encodeHeaderBatch([])],
  ['a batch of two', encodeHeaderBatch(shares.slice(0, 2))]
])('refuses %s in the place of one header', (_name, batch) => {
  expect(() => joinHeaderBatches([batch])).toThrow(CodecError)
})
