import { expect, it } from 'vitest'
import { fateText, fateTone, resultText } from './block-words.ts'

it('says what became of a block', () => {
  expect(fateText({ state: 'immature', confirmations: 12, blocksToMaturity: 88 })).toBe('12 confirmed, 88 to go')
  expect(fateText({ state: 'orphaned', confirmations: 0, blocksToMaturity: null })).toBe('orphaned: pays nobody')
  expect(fateTone({ state: 'mature', confirmations: 100, blocksToMaturity: 0 })).toBe('good')
})

it('keeps the reason that bitcoind gave, whatever it is', () => {
  expect(resultText('seen')).toBe('found by another node')
  expect(resultText('rejected: bad-txnmrklroot: again')).toBe('found here, refused by bitcoind: bad-txnmrklroot: again')
  expect(resultText('something-new: x')).toBe('something-new: x')
})
