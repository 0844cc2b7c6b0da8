import { expect, test } from 'vitest'
import { ChainBuilder, FAR_FUTURE_MS } from './build-chain.test-support.ts'
import { ShareChain } from './share-chain.ts'

test('a share on the genesis is confirmed and becomes the mining base', () => {
  const builder = new ChainBuilder()
  const chain = new ShareChain({ params: builder.params })
  const share = builder.build({ parent: builder.genesis })
  const outcome = chain.addShare(share, 'own', FAR_FUTURE_MS)
  expect(outcome.verdict).toEqual({ type: 'accepted' })
  expect(outcome.confirmed).toEqual([share.hash])
  expect(chain.miningBase().hash).toBe(share.hash)
  chain.checkInvariants()
  const t0 = performance.now()
  const row = builder.row(share.hash, 300)
  const t1 = performance.now()
  for (const s of row) expect(chain.addShare(s, 'peer', FAR_FUTURE_MS).verdict.type).toBe('accepted')
  const t2 = performance.now()
  process.stderr.write(
    `build ${(t1 - t0) / 300} ms, add ${(t2 - t1) / 300} ms, window ${chain.windowShares(row[299]!.hash, 0x207fffff)}\n`
  )
})
