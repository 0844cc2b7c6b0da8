import { genesisShare, type RuleCode, type Share, type ShareFacts, type ShareHeader } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { ChainBuilder, easyParams } from '../testing/build-chain.ts'
import { judgePlace, type Place } from './door.ts'

const PARAMS = easyParams()
const builder = new ChainBuilder(PARAMS)
const ROW = builder.row(builder.genesis, 14)
const share = (height: number): Share => ROW[height - 1] as Share
const GENESIS = genesisShare(PARAMS).hash

/** At the door of a node that has the row below this height, and its clock at the time of the last of them. */
function knock(
  height: number,
  {
    header = {},
    verdict = null,
    lowestHeight = 1,
    aheadSec = 0
  }: {
    readonly header?: Partial<ShareHeader>
    /** Why the parent is invalid. */
    readonly verdict?: RuleCode | null
    readonly lowestHeight?: number
    /** How far the node's clock is ahead. */
    readonly aheadSec?: number
  } = {}
): Place {
  const { prevShareHash } = share(height).header
  const facts = (hash: ShareHash): ShareFacts | undefined => {
    const known = builder.facts(hash)
    if (hash !== GENESIS && known.height < lowestHeight) return undefined
    return { ...known, validity: hash === prevShareHash && verdict !== null ? 'invalid' : 'headerValid' }
  }
  const parent = facts(prevShareHash)
  if (parent === undefined) throw new Error('the parent is here')
  return judgePlace({ ...share(height).header, ...header }, parent, {
    params: PARAMS,
    view: { facts },
    verdictOf: hash => (hash === prevShareHash ? verdict : null),
    lowestHeight,
    nowSec: share(height).header.timeSec - 1 + aheadSec
  })
}

const { timeSec } = share(13).header
/** Later than any clock allows, and not later than the median of those below. */
const LATE = { timeSec: timeSec + PARAMS.futureTimeSec }
const EARLY = { timeSec: share(7).header.timeSec }

describe('the door', () => {
  it('is open for a share above the median of its ancestors and at most two minutes ahead', () => {
    expect(knock(13)).toEqual({ type: 'open', height: 13 })
    expect(knock(13, { header: { timeSec: EARLY.timeSec + 1 } })).toMatchObject({ type: 'open' })
    expect(knock(13, { header: { timeSec: LATE.timeSec - 1 } })).toMatchObject({ type: 'open' })
  })

  it('is shut for one of other bits than its parent demands, or below everything that is kept', () => {
    const bits = share(13).header.bits + 1
    expect(knock(13, { header: { bits } })).toMatchObject({
      type: 'refused',
      verdict: { code: 'share-bits', facts: { bits, requiredBits: bits - 1 } }
    })
    expect(knock(1, { lowestHeight: 2 })).toMatchObject({
      type: 'refused',
      verdict: { code: 'share-ancestors-gone', facts: { height: 1, keptFromHeight: 2 } }
    })
    expect(knock(1)).toMatchObject({ type: 'open' })
  })

  it('lets nobody build on a share from the future until its time has come', () => {
    expect(knock(13, { header: LATE })).toMatchObject({
      type: 'aside',
      height: 13,
      code: 'share-time-future',
      waits: true
    })
    expect(knock(13, { header: LATE, aheadSec: 1 })).toMatchObject({ type: 'open' })
  })

  it('lets nobody build on a share that is too old', () => {
    expect(knock(13, { header: EARLY })).toMatchObject({
      type: 'aside',
      height: 13,
      code: 'share-time-median',
      waits: false
    })
  })

  it('does not ask for a median where ancestors are pruned', () => {
    expect(knock(13, { header: EARLY, lowestHeight: 5 })).toEqual({ type: 'open', height: 13 })
  })

  it.each<[RuleCode, boolean]>([
    ['share-time-future', true],
    ['share-time-median', false],
    ['coinbase-payout', false]
  ])('lets nobody build on the child of one that is invalid by %s, which time alone opens: %s', (verdict, waits) => {
    const parent = share(12).hash
    const aside = { type: 'aside', height: 13, waits }
    expect(knock(13, { verdict })).toEqual({ ...aside, code: 'share-parent-invalid', facts: { parent } })
    expect(knock(13, { verdict, header: EARLY })).toMatchObject({ ...aside, code: 'share-parent-invalid' })
    expect(knock(13, { verdict, header: LATE })).toMatchObject({ ...aside, code: 'share-time-future' })
  })
})
