import { type ConsensusAddress, payoutOutputs } from '@p2poolv2/consensus'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MINERS, minerText } from '../testing/window-tree.ts'
import { payoutNow } from './payout-now.ts'

function weightsOf(weights: readonly bigint[]) {
  const rows = weights.map((weight, miner) => ({ address: MINERS[miner] as ConsensusAddress, weight }))
  return {
    total: weights.reduce((sum, weight) => sum + weight, 0n),
    byAddress: new Map(rows.map(row => [row.address.text, row]))
  }
}

const [A, B, C] = [minerText(0), minerText(1), minerText(2)]

it('a quarter of the window is a quarter of what the cuts leave', () => {
  const fee = { address: MINERS[3] as ConsensusAddress, bps: 100 }
  const request = { valueSats: 312_500_000n, donation: null, fee, weights: weightsOf([100n, 200n, 100n]) }
  const now = payoutNow(request, new Set([A]))
  // 1 % of 312,500,000 is 3,125,000; a quarter of 309,375,000 is 77,343,750.
  expect(now).toMatchObject({ valueSats: 77_343_750n, minersSats: 309_375_000n, part: 0.25, addresses: 3 })
  const outputIndex = payoutOutputs(request).findIndex(({ address }) => address.text === A)
  expect(now.ours).toEqual([{ address: A, valueSats: 77_343_750n, weight: 100n, rank: 2, outputIndex }])
})

it('equal weights share a rank, and ours come heaviest first', () => {
  const request = { valueSats: 1000n, donation: null, fee: null, weights: weightsOf([4n, 3n, 3n]) }
  const now = payoutNow(request, new Set([A, B, C]))
  // The coinbase has them in the order of their text.
  expect([A, B, C].toSorted()).toEqual([C, B, A])
  expect(now.ours.map(({ address, rank }) => [address, rank])).toEqual([
    [A, 1],
    [C, 2],
    [B, 2]
  ])
  expect(now).toMatchObject({ valueSats: 1000n, part: 1 })
})

it('who has no share in the window gets nothing', () => {
  const request = { valueSats: 1000n, donation: null, fee: null, weights: weightsOf([1n]) }
  expect(payoutNow(request, new Set([B]))).toMatchObject({ valueSats: 0n, part: 0, addresses: 1, ours: [] })
})

it('what cuts leave nothing of pays nothing', () => {
  const donation = { address: MINERS[3] as ConsensusAddress, bps: 10_000 }
  const request = { valueSats: 1000n, donation, fee: null, weights: weightsOf([1n]) }
  expect(payoutNow(request, new Set([A]))).toMatchObject({ valueSats: 0n, minersSats: 0n, part: 1, ours: [] })
})

it('is to the satoshi what the coinbase pays us', () => {
  const anyWeights = fc.array(fc.bigInt(1n, 10n ** 20n), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(anyWeights, fc.bigInt(0n, 5_000_000_000n), fc.subarray([0, 1, 2, 3]), (weights, valueSats, own) => {
      const ours = new Set(own.map(minerText))
      const request = { valueSats, donation: null, fee: null, weights: weightsOf(weights) }
      const paid = payoutOutputs(request).filter(({ address }) => ours.has(address.text))
      expect(payoutNow(request, ours).valueSats).toBe(paid.reduce((sum, output) => sum + output.valueSats, 0n))
    })
  )
})
