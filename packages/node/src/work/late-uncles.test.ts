import type { Share } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { A_SHARE, address, Rig, sharesMade } from '../testing/rig.ts'
import { BASE_COALESCE_MS } from './job-maker.ts'

/** A pool of two miners, of whom the first still works on the genesis when the chain is some shares high. */
function lateMiner(height: number) {
  const rig = new Rig()
  rig.template()
  const { job } = rig.connect(1, address(1))
  rig.connect(2, address(2))
  const next = (): Share => {
    rig.advance(1_000)
    const [share] = sharesMade(rig.mine(2, A_SHARE))
    return share ?? expect.unreachable('a share is made')
  }
  for (let shares = 0; shares < height; shares++) next()
  rig.advance(1_000)
  const late = (): ShareHash => {
    const effects = rig.mine(1, { ...A_SHARE, job })
    const [share] = sharesMade(effects)
    return share?.hash ?? expect.unreachable('a late share is a share')
  }
  return { rig, next, late }
}

it.each([1, 2, 3])('a share of ours that comes late, beside a chain of %s, is named by the next of ours', height => {
  const { rig, next, late } = lateMiner(height)
  const tip = rig.chain.miningBase().hash
  const hash = late()
  expect(rig.chain.miningBase().hash).toBe(tip)
  expect(next().header).toMatchObject({ prevShareHash: tip, uncles: [hash] })
})

it('one that nobody can name any more makes no new work, and one that can makes it once', () => {
  const renewals = ({ rig, late }: ReturnType<typeof lateMiner>): number => {
    const before = rig.facts('jobsRenewed').length
    late()
    rig.advance(BASE_COALESCE_MS + 5_000)
    return rig.facts('jobsRenewed').length - before
  }
  expect([renewals(lateMiner(4)), renewals(lateMiner(3))]).toEqual([0, 1])
})
