import { type BlockHash, blockHash } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { describe, expect, it } from 'vitest'
import { FoundSiblings, MAX_FOUND_PARENTS, MAX_WAITING_SIBLINGS } from './found-siblings.ts'

const hashOf = (n: number): BlockHash => blockHash(n.toString(16).padStart(64, '0'))
const found = (n: number): FoundBlock => ({
  bitcoinHeight: 100,
  blockHash: hashOf(n),
  timeSec: 1_700_000_000,
  shareHash: null,
  outputs: [],
  result: 'submitted'
})

class Siblings extends FoundSiblings {
  /** @returns how many came before it, and whether it waits */
  on(parent: string, n: number, canWin: (first: BlockHash) => boolean = () => true): [number, boolean] {
    const { before, waits } = this.add(parent, found(n), canWin)
    this.checkInvariants()
    return [before, waits]
  }

  waits(n: number): boolean {
    return this.get(hashOf(n)) !== undefined
  }
}

describe('our blocks on one parent', () => {
  it('wait for a word, all but the first', () => {
    const siblings = new Siblings()
    expect([siblings.on('a', 1), siblings.on('a', 2), siblings.on('a', 3), siblings.on('b', 4)]).toEqual([
      [0, false],
      [1, true],
      [2, true],
      [0, false]
    ])
    expect([1, 2, 3, 4].map(n => siblings.waits(n))).toEqual([false, true, true, false])
  })

  it('wait for none that cannot be in the chain: the next is the first then', () => {
    const siblings = new Siblings()
    siblings.on('a', 1)
    expect(siblings.on('a', 2, first => first !== hashOf(1))).toEqual([1, false])
    expect(siblings.on('a', 3, first => first === hashOf(2))).toEqual([2, true])
  })

  it('go on record at their word, once, as they are known by then', () => {
    const siblings = new Siblings()
    for (const n of [1, 2]) siblings.on('a', n)
    siblings.replace({ ...found(2), result: 'more' })
    siblings.replace(found(1))
    expect([siblings.get(hashOf(2))?.result, siblings.waits(1)]).toEqual(['more', false])
    expect(siblings.answered(hashOf(2), 'held')).toMatchObject({ blockHash: hashOf(2), result: 'more' })
    expect([siblings.answered(hashOf(2), 'held'), siblings.answered(hashOf(1), 'held')]).toEqual([null, null])
  })

  it('go on record twice where they gave way, and always where they did not', () => {
    const siblings = new Siblings()
    for (const n of [1, 2, 3, 4, 5]) siblings.on('a', n)
    expect([2, 3, 4].map(n => siblings.answered(hashOf(n), 'superseded') !== null)).toEqual([true, true, false])
    expect(siblings.answered(hashOf(5), 'refused')).not.toBeNull()
  })

  it('are remembered within bounds, the oldest no more', () => {
    const siblings = new Siblings()
    for (let n = 0; n <= MAX_WAITING_SIBLINGS + 1; n++) siblings.on('a', n)
    expect([1, 2, MAX_WAITING_SIBLINGS + 1].map(n => siblings.waits(n))).toEqual([false, true, true])
    for (let n = 1; n < MAX_FOUND_PARENTS; n++) siblings.on(`b${n}`, 1_000 + n)
    expect(siblings.on('a', 2_000)[1]).toBe(true)
    siblings.on('c', 3_000)
    expect(siblings.on('a', 2_001)).toEqual([0, false])
  })
})
