import { parseAddress } from '@p2poolv2/bitcoin'
import { expect, it } from 'vitest'
import { outputKindOf, spendCost } from './spend-cost.ts'

it('one share’s payout of 2,583 sats is not worth spending above 38 sat/vB', () => {
  const cost = spendCost({ valueSats: 2583n, kind: 'p2wpkh' }, 38)
  expect(cost.inputVbytes).toBe(68)
  expect(Math.floor(cost.breakEvenSatPerVb)).toBe(37)
  expect(cost.breakEvenSatPerVb).toBeCloseTo(37.99, 2)
  expect(cost.costSats).toBe(2584n)
  expect(cost.partOfPayout).toBeCloseTo(2584 / 2583, 9)
  expect(spendCost({ valueSats: 2583n, kind: 'p2wpkh' }, 1).costSats).toBe(68n)
})

it('a fraction of a satoshi costs a whole one', () => {
  expect(spendCost({ valueSats: 1000n, kind: 'p2tr' }, 1).costSats).toBe(58n)
  expect(spendCost({ valueSats: 1000n, kind: 'p2tr' }, 0)).toMatchObject({ costSats: 0n, partOfPayout: 0 })
})

// Addresses of BIP173, BIP350 and the first coinbase.
it.each([
  ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'p2pkh'],
  ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG', 'p2sh'],
  ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'p2wpkh'],
  ['bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3', 'p2wsh'],
  ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', 'p2tr']
])('%s is %s', (text, kind) => {
  const parsed = parseAddress(text, 'main')
  if (!parsed.ok) throw new Error('a vector of its standard')
  expect(outputKindOf(parsed.script)).toBe(kind)
})

it.each([
  ['nothing', []],
  ['a version without rules', [0x52, 0x20, ...new Array<number>(32).fill(1)]],
  ['a commitment', [0x6a, 0x20, ...new Array<number>(32).fill(1)]],
  ['half of a p2pkh script', [0x76, 0xa8, ...new Array<number>(23).fill(1)]],
  ['the other half of it', [0x75, 0xa9, ...new Array<number>(23).fill(1)]],
  ['half of a p2sh script', [0xa9, 0x15, ...new Array<number>(21).fill(1)]],
  ['the other half of it', [0xa8, 0x14, ...new Array<number>(21).fill(1)]],
  ['a program of another length', [0x00, 0x15, ...new Array<number>(20).fill(1)]]
])('%s is none of the kinds', (_name, bytes) => {
  expect(outputKindOf(Uint8Array.from(bytes))).toBeNull()
})
