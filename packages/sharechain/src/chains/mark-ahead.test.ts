import { type ShareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { easyParams, minerAddress } from '../testing/build-chain.ts'
import { hashOf } from '../testing/deltas.ts'
import { LIGHT } from '../testing/scenario.ts'
import { HeaderIndex } from '../tree/header-index.ts'
import { Organiser } from './organise.ts'

/** More than a call takes as arguments. */
const MANY = 150_000
const AHEAD_SEC = 1_000_000

it('takes any number of shares off that are built on one dated ahead', () => {
  const miner = minerAddress(easyParams(), 0)
  const entry = (prevHash: ShareHash, n: number, timeSec: number) => {
    return { hash: hashOf(n), prevHash, bits: LIGHT, timeSec, uncles: [], miner }
  }
  const index = new HeaderIndex(entry(ZERO_SHARE_HASH, 1, 0))
  const organiser = new Organiser(index)
  for (let n = 2; n <= MANY + 2; n++)
    organiser.headerAdded(index.insert(entry(hashOf(n - 1), n, n === 3 ? AHEAD_SEC : n)))
  const { invalidated } = organiser.markAhead(AHEAD_SEC - 1)
  expect(invalidated).toHaveLength(MANY)
  expect(index.hash(organiser.candidateTip)).toBe(hashOf(2))
})
