import { bytesToHex } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { Changes } from '../store/changes.ts'
import { indexKey } from '../store/keys.ts'
import { easyParams } from '../testing/build-chain.ts'
import { HEAVY, Scenario } from '../testing/scenario.ts'
import { INDEX_LIMITS } from '../tree/eviction.ts'
import { Evictor, MAX_BATCH_HEADS } from './evictor.ts'

const PARAMS = easyParams({ maxSharesPerHeight: 3 })

/** A confirmed chain of six shares, and room for so many shares in all. */
class Crowd extends Scenario {
  readonly evictor: Evictor
  readonly changes = new Changes(this.index)

  constructor(maxShares: number) {
    super()
    this.evictor = new Evictor(PARAMS, this.index, { ...INDEX_LIMITS, maxShares })
    this.header('s1 s2 s3 s4 s5 s6', 'G')
    this.body('s1 s2 s3 s4 s5 s6')
    this.promote()
  }

  batch(name: string): void {
    this.evictor.batch(this.index.hash(this.slot(name)))
  }

  /** @returns who goes, and is deleted from the store */
  run(): string[] {
    const gone: string[] = []
    const deleted: string[] = []
    this.evictor.run(this.changes, this.base.slot, slot => {
      gone.push(this.text([slot]))
      deleted.push(bytesToHex(indexKey(this.index.height(slot), this.index.hash(slot))))
      this.organiser.evicted(slot)
    })
    const tip = this.index.hash(this.slot('s6'))
    const { deletes } = this.changes.delta({ sequence: 1, confirmedTip: tip, candidateTip: tip, uncleCount: 0 })
    const keys = new Set(deletes.map(bytesToHex))
    for (const key of deleted) expect(keys).toContain(key)
    this.check()
    return gone
  }
}

describe('where there are too many shares', () => {
  it('those go that were never valid, and then valid ones that the next share cannot name any more', () => {
    const crowd = new Crowd(8)
    crowd.header('v3', 's2')
    crowd.header('v4', 's3')
    crowd.header('x4', 's3')
    crowd.body('v3 v4')
    expect(crowd.run()).toEqual(['x4', 'v3'])
    expect(crowd.run()).toEqual([])
  })

  it('neither what is just coming in goes, nor the ends of the last batches', () => {
    const crowd = new Crowd(8)
    for (const name of ['a2', 'b2', 'c2']) crowd.header(name, 's1')
    crowd.batch('a2')
    crowd.changes.row(crowd.slot('b2'))
    expect(crowd.run()).toEqual(['c2'])
  })

  it('so many batches are remembered', () => {
    const crowd = new Crowd(8)
    const names = Array.from({ length: MAX_BATCH_HEADS + 1 }, (_, n) => `b${n}`)
    for (const name of names) {
      crowd.header(name, 's1')
      crowd.batch(name)
    }
    expect(MAX_BATCH_HEADS).toBeGreaterThanOrEqual(8)
    expect(crowd.run()).toEqual(['b0'])
  })

  it('there is nothing to do while all of them fit', () => {
    const crowd = new Crowd(8)
    crowd.header('x4', 's3')
    expect(crowd.run()).toEqual([])
  })
})

it('at a height that has grown beyond its share the lightest branches go, and nowhere else', () => {
  const crowd = new Crowd(1_000)
  for (const name of ['a4', 'b4', 'c4', 'd4', 'e4']) crowd.header(name, 's3')
  for (const name of ['a5', 'b5', 'c5', 'd5', 'e5']) crowd.header(name, 's4')
  // A heavier chain of headers goes through the first: that is not one of the crowd.
  crowd.header('a6', 'a5', HEAVY)
  crowd.changes.grownHeights.add(5)
  const gone = crowd.run()
  expect(gone).toHaveLength(1)
  for (const name of gone) expect(['b5', 'c5', 'd5', 'e5']).toContain(name)
})
