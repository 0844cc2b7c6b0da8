import type { ShareHash } from '@p2poolv2/primitives'
import { bytesToHex, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { Changes } from '../store/changes.ts'
import { confirmedKey } from '../store/keys.ts'
import { encodeArchiveRow } from '../store/records.ts'
import { easyParams } from '../testing/build-chain.ts'
import { HEAVIEST, Scenario } from '../testing/scenario.ts'
import { Pruner } from './pruner.ts'

/** Pruned below 12 heights and 16 more; two chains are held beside each other for 24. */
const PARAMS = easyParams({ windowMaxShares: 6, pruneDepth: 12 })

const names = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, n) => `s${from + n}`).join(' ')

class Pruned extends Scenario {
  /** What everybody else is told to forget, in order, and what the payout window is. */
  readonly letGo: ShareHash[] = []
  readonly windowForgets: ShareHash[] = []
  changes = new Changes(this.index)
  readonly pruner = new Pruner(PARAMS, {
    index: this.index,
    organiser: this.organiser,
    base: this.base,
    window: { forget: slot => void this.windowForgets.push(this.index.hash(slot)) },
    letGo: slot => void this.letGo.push(this.index.hash(slot))
  })

  /** @returns the lowest height that is kept, and what the confirmed chain has let go of */
  prune(): { readonly lowest: number; readonly unconfirmed: readonly ShareHash[] } {
    this.changes = new Changes(this.index)
    this.pruner.prune(this.changes)
    this.check()
    const { unconfirmed } = this.changes.outcome({ verdict: { type: 'known' }, delta: null, newBase: false })
    return { lowest: this.index.lowestHeight, unconfirmed }
  }

  /** A row of valid shares, confirmed. */
  valid(from: number, to: number): void {
    this.header(names(from, to), from === 1 ? 'G' : `s${from - 1}`)
    this.body(names(from, to))
    this.organiser.promote(0)
    this.base.restore()
  }

  hashes(names: string): ShareHash[] {
    return names.split(' ').map(name => this.index.hash(this.slot(name)))
  }
}

describe('pruning', () => {
  it('begins where the depth and its slack are full, and takes one height for each that comes', () => {
    const chain = new Pruned()
    chain.valid(1, 29)
    const lowest = chain.hashes(names(1, 11))
    expect(chain.prune().lowest).toBe(1)
    for (const height of [30, 31, 40]) {
      chain.valid(height === 40 ? 32 : height, height)
      expect(chain.prune()).toEqual({ lowest: height - 28, unconfirmed: [] })
    }
    expect(chain.letGo).toEqual(lowest)
    expect([chain.organiser.confirmedAt(11), chain.organiser.candidateAt(11)]).toEqual([-1, -1])
    expect(chain.confirmed).toBe('s40')
    expect(chain.pruner.isUndecided).toBe(false)
  })

  it('leaves what is mined on alone', () => {
    const chain = new Pruned()
    chain.valid(1, 40)
    chain.header('h41', 's40', HEAVIEST)
    chain.header('s41', 's40')
    chain.body('s41')
    chain.promote()
    expect([chain.confirmed, chain.miningBase]).toEqual(['s40', 's41'])
    expect(chain.prune().lowest).toBe(13)
    expect(chain.miningBase).toBe('s41')
  })

  it('does not take more than so many heights at once', () => {
    const chain = new Pruned()
    chain.valid(1, 1_100)
    expect([chain.prune().lowest, chain.prune().lowest]).toEqual([1_025, 1_072])
  })

  it('keeps the last share that both chains have, with what its children need, while they can be compared', () => {
    const chain = new Pruned()
    chain.valid(1, 20)
    chain.header(names(21, 44), 's20')
    expect(chain.prune()).toEqual({ lowest: 4, unconfirmed: [] })
    expect([chain.confirmed, chain.miningBase]).toEqual(['s20', 's20'])
    chain.header('s45', 's44')
    const kept = chain.hashes(names(4, 20))
    expect(chain.prune()).toEqual({ lowest: 17, unconfirmed: kept.toReversed() })
    expect([chain.confirmed, chain.miningBase, chain.candidate]).toEqual(['G', 'G', 's45'])
    expect(chain.pruner.isUndecided).toBe(true)
  })

  it('lets go of a single confirmed share as of many', () => {
    const chain = new Pruned()
    chain.valid(1, 1)
    chain.header(names(2, 40), 's1')
    expect(chain.prune().lowest).toBe(12)
    expect([chain.confirmed, chain.miningBase]).toEqual(['G', 'G'])
  })

  it('puts the chain’s share before its uncle into the archive, and counts uncles of what is archived unconfirmed', () => {
    for (const isConfirmed of [true, false]) {
      const chain = new Pruned()
      chain.header('u1', 'G')
      chain.header('s1', 'G')
      chain.header('s2', 's1', undefined, ['u1'])
      chain.body('u1 s1 s2')
      if (isConfirmed) chain.promote()
      const [u1 = ZERO_SHARE_HASH, s1 = ZERO_SHARE_HASH, ...nephews] = chain.hashes('u1 s1 s2')
      chain.header(names(3, 40), 's2')
      chain.body(names(3, 40))
      if (isConfirmed) chain.promote()
      chain.prune()
      const state = { sequence: 1, confirmedTip: ZERO_SHARE_HASH, candidateTip: ZERO_SHARE_HASH, uncleCount: 0 }
      const { puts } = chain.changes.delta(state)
      const rowAt = (height: number): string =>
        bytesToHex(
          puts.find(({ key }) => bytesToHex(key) === bytesToHex(confirmedKey(height)))?.value ?? new Uint8Array()
        )
      expect(chain.organiser.uncleCount).toBe(1)
      expect(chain.windowForgets).toEqual(nephews)
      expect(rowAt(1)).toBe(bytesToHex(encodeArchiveRow(s1, [u1])))
    }
  })

  it('forgets that a share was withheld when it goes', () => {
    const chain = new Pruned()
    chain.header('x1 x2', 'G', HEAVIEST)
    chain.header(names(1, 40), 'G')
    chain.organiser.withhold(chain.slot('x1'))
    chain.body(names(1, 40))
    chain.promote()
    expect(chain.text([...chain.organiser.withheld])).toBe('x1')
    chain.prune()
    expect([...chain.organiser.withheld]).toEqual([])
    // Nor is the heavy end that has gone one to turn to.
    chain.invalid('s40')
    expect(chain.candidate).toBe('s39')
  })
})

describe('whether another chain may still take the place of this one', () => {
  it('is open while the lowest share was taken on its header’s word, or its payouts were not looked at', () => {
    const chain = new Pruned()
    expect(chain.pruner.isUndecided).toBe(false)
    chain.header(names(1, 40), 'G')
    expect(chain.pruner.isUndecided).toBe(false)
    chain.body(names(30, 40))
    chain.promote(30)
    chain.prune()
    expect([chain.confirmed, chain.index.lowestHeight, chain.pruner.isUndecided]).toEqual(['s40', 12, true])
    chain.body('s12')
    expect(chain.pruner.isUndecided).toBe(false)
    chain.index.setContextSkipped(chain.slot('s12'), 'skipped')
    expect(chain.pruner.isUndecided).toBe(true)
  })
})
