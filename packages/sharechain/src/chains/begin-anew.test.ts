import { genesisShare, type Share } from '@p2poolv2/consensus'
import { bytesToHex, type Work } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { headerEntry } from '../admission/intake.ts'
import { Changes } from '../store/changes.ts'
import { indexKey } from '../store/keys.ts'
import { ChainBuilder, easyParams, FAR_FUTURE_MS } from '../testing/build-chain.ts'
import { HeaderIndex, type Slot } from '../tree/header-index.ts'
import { MiningBase } from './mining-base.ts'
import { Organiser } from './organise.ts'
import { Pruner } from './pruner.ts'

const PARAMS = easyParams({ windowMaxShares: 6, pruneDepth: 12 })
const builder = new ChainBuilder(PARAMS)
/** Its twelfth share, the lowest that is kept, names an uncle. */
const BELOW = builder.row(builder.genesis, 11)
const UNCLE = builder.build({ parent: BELOW[9]?.hash ?? builder.genesis, miner: 5 })
const NEPHEW = builder.build({ parent: BELOW[10]?.hash ?? builder.genesis, uncles: [UNCLE.hash] })
const HELD = [...BELOW, NEPHEW, ...builder.row(NEPHEW.hash, 28)]
const [OTHER, LONGER] = [40, 41].map((length, n) => builder.row(builder.genesis, length, { miner: n + 1 })) as [
  Share[],
  Share[]
]

/** A node that has taken the chain `HELD` by its headers, but for the top, and has pruned it. */
function node(length = 40) {
  const index = new HeaderIndex(headerEntry(genesisShare(PARAMS)))
  const organiser = new Organiser(index)
  const base = new MiningBase(index, organiser)
  const letGo: Slot[] = []
  const parts = { index, organiser, base, window: { forget: () => {} }, letGo: (slot: Slot) => void letGo.push(slot) }
  const pruner = new Pruner(PARAMS, parts)
  for (const share of HELD.slice(0, length)) {
    const slot = index.insert(headerEntry(share))
    organiser.headerAdded(slot)
    if (index.height(slot) < length - 12) continue
    index.setBody(slot, 100)
    index.setValidity(slot, 'blockValid')
  }
  organiser.promote(length - 12)
  base.restore()
  pruner.prune(new Changes(index))
  letGo.length = 0
  const expectHeaders = (items: readonly Share[], provenWork: Work = 0n): boolean => {
    const before = index.size
    const kept = [...index.slots()].filter(slot => slot !== 0).sort((a, b) => index.height(a) - index.height(b))
    const keys = kept.map(slot => bytesToHex(indexKey(index.height(slot), index.hash(slot))))
    const hashes = kept.map(slot => index.hash(slot))
    const changes = new Changes(index)
    pruner.expect({ items, provenWork, nowMs: FAR_FUTURE_MS }, changes)
    organiser.checkInvariants()
    base.checkInvariants()
    if (index.size === before) return false
    const { unconfirmed } = changes.outcome({ verdict: { type: 'known' }, delta: null, newBase: true })
    expect(unconfirmed.toReversed()).toEqual(hashes)
    expect(letGo.toSorted((a, b) => a - b)).toEqual(kept.toSorted((a, b) => a - b))
    const tip = genesisShare(PARAMS).hash
    const { deletes } = changes.delta({ sequence: 1, confirmedTip: tip, candidateTip: tip, uncleCount: 0 })
    for (const key of keys) expect(deletes.map(bytesToHex)).toContain(key)
    expect([index.size, index.lowestHeight, organiser.uncleCount]).toEqual([1, 1, 0])
    expect([organiser.confirmedTip, organiser.candidateTip, base.slot]).toEqual([0, 0, 0])
    expect([organiser.candidateAt(40), organiser.confirmedAt(40)]).toEqual([-1, -1])
    return true
  }
  return { index, organiser, base, expectHeaders }
}

describe('headers of another chain from the genesis', () => {
  it('have everything forgotten if they weigh more than what is held, or are proven to belong to what does', () => {
    const { index, organiser, base, expectHeaders } = node()
    expect([index.lowestHeight, organiser.confirmedHeight, index.height(base.slot)]).toEqual([12, 40, 40])
    expect(organiser.uncleCount).toBe(1)
    const held = index.work(organiser.candidateTip)
    expect(expectHeaders(OTHER)).toBe(false)
    expect(expectHeaders(OTHER.slice(0, 5), held)).toBe(false)
    expect(expectHeaders(LONGER)).toBe(true)
    expect(node().expectHeaders(OTHER.slice(0, 5), held + 1n)).toBe(true)
  })

  it('change nothing where they do not begin at the genesis, have a share that is held, or break a rule', () => {
    const { expectHeaders, index } = node()
    const much = 2n ** 200n
    expect(expectHeaders(LONGER.slice(1), much)).toBe(false)
    expect(expectHeaders([...LONGER, ...HELD.slice(20, 21)], much)).toBe(false)
    expect(expectHeaders([...OTHER, ...HELD.slice(0, 12)], much)).toBe(false)
    const [first] = LONGER as [Share, ...Share[]]
    const wrong = { ...first, header: { ...first.header, bits: first.header.bits - 1 } }
    expect(expectHeaders([wrong], much)).toBe(false)
    expect(index.size).toBe(30)
  })

  it('change nothing where what is held begins with the genesis', () => {
    const { expectHeaders, index } = node(20)
    expect(index.lowestHeight).toBe(1)
    expect(expectHeaders(LONGER)).toBe(false)
  })

  it('are taken like the first ones after that', () => {
    const { index, organiser, expectHeaders } = node()
    expectHeaders(LONGER)
    for (const share of LONGER) organiser.headerAdded(index.insert(headerEntry(share)))
    expect([organiser.candidateHeight, index.hash(organiser.candidateTip)]).toEqual([41, LONGER.at(-1)?.hash])
    organiser.checkInvariants()
    index.checkInvariants()
  })
})
