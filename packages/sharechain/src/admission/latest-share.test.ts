import { type ShareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { easyParams, minerAddress } from '../testing/build-chain.ts'
import { hashOf } from '../testing/deltas.ts'
import { LIGHT } from '../testing/scenario.ts'
import { HeaderIndex } from '../tree/header-index.ts'
import { LatestShare } from './latest-share.ts'

it('is looked for once, and again only when it is gone', () => {
  const miner = minerAddress(easyParams(), 0)
  const entry = (prevHash: ShareHash, n: number, timeSec: number) => {
    return { hash: hashOf(n), prevHash, bits: LIGHT, timeSec, uncles: [], miner }
  }
  const index = new HeaderIndex(entry(ZERO_SHARE_HASH, 1, 0))
  let looks = 0
  const latest = new LatestShare({
    slots: () => {
      looks++
      return index.slots()
    },
    slotOf: hash => index.slotOf(hash),
    validity: slot => index.validity(slot),
    timeSec: slot => index.timeSec(slot),
    hash: slot => index.hash(slot)
  })
  const add = (n: number, timeSec: number): number => {
    const slot = index.insert(entry(hashOf(n - 1), n, timeSec))
    latest.grew(slot)
    return slot
  }
  const [first, second] = [add(2, 500), add(3, 900)] as const
  for (let times = 0; times < 5; times++) expect(latest.isAfter(600)).toBe(true)
  expect(looks).toBe(1)
  index.condemn(second, 'share-time-future')
  expect([latest.isAfter(600), latest.isAfter(499), looks]).toEqual([false, true, 2])
  index.setValidity(second, 'headerValid')
  latest.grew(second)
  expect([latest.isAfter(899), latest.isAfter(900), index.timeSec(first), looks]).toEqual([true, false, 500, 2])
})
