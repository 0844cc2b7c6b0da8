import { blockHash, shareHash } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { describe, expect, it } from 'vitest'
import { BlockLog } from './block-log.ts'

function found(height: number, result = 'submitted'): FoundBlock {
  return {
    bitcoinHeight: height,
    blockHash: blockHash(height.toString(16).padStart(64, '0')),
    timeSec: 1_700_000_000 + height,
    shareHash: null,
    outputs: [],
    result
  }
}

describe('BlockLog', () => {
  it('lists the highest first and forgets the lowest at its cap', () => {
    const log = new BlockLog([found(5), found(9)], 3)
    log.record(found(7))
    log.record(found(8))
    expect(log.newestFirst().map(block => block.bitcoinHeight)).toEqual([9, 8, 7])
    log.checkInvariants()
  })

  it('at its cap forgets what will pay nobody before a block of the chain, however low that is', () => {
    const log = new BlockLog([found(1, 'accepted'), found(9, 'rejected: bad-cb'), found(2, 'orphaned')], 3)
    log.record(found(10))
    expect(log.newestFirst().map(block => block.bitcoinHeight)).toEqual([10, 9, 1])
    log.record(found(11))
    expect(log.newestFirst().map(block => block.bitcoinHeight)).toEqual([11, 10, 1])
    log.settle(found(11).blockHash, 'lost-race', null)
    log.record(found(12))
    // It may win yet.
    expect(log.newestFirst().map(block => block.bitcoinHeight)).toEqual([12, 11, 10])
  })

  it('at its cap forgets one that another beat once six blocks came after it, and not before', () => {
    const heights = (highest: number): number[] => {
      const log = new BlockLog([found(1, 'accepted'), found(10, 'lost-race')], 2)
      log.record(found(highest, 'accepted'))
      return log.newestFirst().map(block => block.bitcoinHeight)
    }
    expect(heights(15)).toEqual([15, 10])
    expect(heights(16)).toEqual([16, 1])
  })

  it('an answer counts unless a weightier one came before', () => {
    const log = new BlockLog([found(1)])
    const { blockHash: hash } = found(1)
    expect(log.settle(hash, 'failed', 'timeout')?.result).toBe('failed: timeout')
    expect(log.settle(hash, 'duplicate', null)?.result).toBe('duplicate')
    expect(log.settle(hash, 'rejected', 'stale-prevblk')).toBeNull()
    expect(log.settle(hash, 'accepted', null)?.result).toBe('accepted')
    expect(log.settle(hash, 'accepted', null)).toBeNull()
  })

  it('an answer read back from the store weighs what it weighed', () => {
    const log = new BlockLog([found(1, 'rejected: bad-cb')])
    expect(log.settle(found(1).blockHash, 'failed', null)).toBeNull()
    expect(log.settle(found(1).blockHash, 'accepted', null)?.result).toBe('accepted')
  })

  it('a block seen elsewhere becomes one submitted here, but never the other way round', () => {
    const log = new BlockLog([])
    expect(log.record(found(1, 'seen'))).toEqual(found(1, 'seen'))
    expect(log.record(found(1, 'seen'))).toBeNull()
    expect(log.record(found(1))).toEqual(found(1))
    expect(log.record(found(1, 'seen'))).toBeNull()
    log.settle(found(1).blockHash, 'accepted', null)
    expect(log.record(found(1))).toBeNull()
    expect(log.newestFirst()[0]?.result).toBe('accepted')
  })

  it('a block from before the start without an answer says so, and may be submitted again', () => {
    const log = new BlockLog([found(1)])
    expect(log.newestFirst()[0]?.result).toBe('submitted: no answer on record')
    expect(log.record(found(1))).toEqual(found(1))
    expect(log.settle(found(1).blockHash, 'failed', null)?.result).toBe('failed')
  })

  it("what bitcoin's chain says counts for more than any answer, and may change", () => {
    const log = new BlockLog([found(1)])
    const { blockHash: hash } = found(1)
    log.settle(hash, 'accepted', null)
    expect(log.fate(hash, 1)).toBeNull()
    expect(log.fate(hash, -1)?.result).toBe('orphaned')
    expect(log.fate(hash, -1)).toBeNull()
    expect(log.settle(hash, 'rejected', 'bad-cb')).toBeNull()
    expect(log.fate(hash, 3)?.result).toBe('accepted')
  })

  it('a block that came second has lost the race, unless the chain has it all the same', () => {
    const log = new BlockLog([found(1), found(2)])
    expect(log.settle(found(1).blockHash, 'lost-race', 'inconclusive')?.result).toBe('lost-race: inconclusive')
    expect(log.fate(found(1).blockHash, -1)).toBeNull()
    expect(log.settle(found(1).blockHash, 'rejected', 'stale')).toBeNull()
    expect(log.fate(found(1).blockHash, 2)?.result).toBe('accepted')
    // Answers that got lost.
    expect(log.fate(found(2).blockHash, -1)?.result).toBe('lost-race')
  })

  it.each(['failed', 'rejected: duplicate-invalid', 'superseded', 'submitted'])(
    'a block whose answer was %s is in the chain if the chain says so',
    result => {
      const log = new BlockLog([found(1, result)])
      expect(log.fate(found(1).blockHash, 1)?.result).toBe('accepted')
    }
  )

  it('a block of another node stays seen in the chain, and is orphaned like any other', () => {
    const log = new BlockLog([found(1, 'seen')])
    expect(log.fate(found(1).blockHash, 5)).toBeNull()
    expect(log.fate(found(1).blockHash, -1)?.result).toBe('orphaned')
  })

  it('an answer for a block it does not know changes nothing', () => {
    const log = new BlockLog([])
    expect(log.settle(found(1).blockHash, 'accepted', null)).toBeNull()
    expect(log.size).toBe(0)
  })

  it('an answer overwrites those that say less, and none that says as much or more', () => {
    const rising = [
      'seen',
      'submitted',
      'superseded',
      'failed',
      'rejected',
      'lost-race',
      'duplicate',
      'accepted'
    ] as const
    for (const [older, before] of rising.entries()) {
      for (const [newer, answer] of rising.entries()) {
        if (answer === 'seen' || answer === 'submitted') continue
        const log = new BlockLog([found(2)])
        log.record(found(1, before))
        const settled = log.settle(found(1).blockHash, answer, null)
        expect(settled?.result ?? null, `${answer} after ${before}`).toBe(newer > older ? answer : null)
      }
    }
  })

  it('an orphaned block stays one, whatever bitcoin nodes answer to it', () => {
    const log = new BlockLog([found(1, 'orphaned')])
    expect(log.settle(found(1).blockHash, 'duplicate', null)).toBeNull()
    expect(log.settle(found(1).blockHash, 'accepted', null)).toBeNull()
  })

  it('without a single confirmation a block is not in the chain', () => {
    const log = new BlockLog([found(1, 'accepted'), found(2)])
    expect(log.fate(found(1).blockHash, 0)?.result).toBe('orphaned')
    expect(log.fate(found(2).blockHash, 0)?.result).toBe('lost-race')
  })

  it('a block gets its share when that is known, and keeps it', () => {
    const log = new BlockLog([])
    const share = shareHash('11'.repeat(32))
    const withShare = { ...found(1), shareHash: share }
    log.record(found(1))
    log.settle(found(1).blockHash, 'accepted', null)
    // Whoever stores it has to store what was said to it before.
    expect(log.record(withShare)).toEqual({ ...withShare, result: 'accepted' })
    expect(log.newestFirst()).toEqual([{ ...withShare, result: 'accepted' }])
    expect(log.record(withShare)).toBeNull()
    expect(log.record(found(1))).toBeNull()
    expect(log.newestFirst()).toEqual([{ ...withShare, result: 'accepted' }])
    log.record(found(2))
    expect(log.record({ ...found(2, 'duplicate'), shareHash: share })).not.toBeNull()
    expect(log.record(found(2, 'accepted'))).toEqual({ ...found(2, 'accepted'), shareHash: share })
    expect(log.get(found(2).blockHash)).toEqual({ ...found(2, 'accepted'), shareHash: share })
  })

  it('of blocks at one height the later one comes first', () => {
    const at = (n: number, timeSec: number): FoundBlock => ({ ...found(n), bitcoinHeight: 5, timeSec })
    const log = new BlockLog([at(1, 100), at(2, 300), at(3, 200), { ...found(9), timeSec: 1 }], 3)
    expect(log.newestFirst().map(({ timeSec }) => timeSec)).toEqual([1, 300, 200])
  })

  it('tells by a number that rises whether anything has changed', () => {
    const log = new BlockLog([found(1)])
    const risen = (change: () => void): boolean => {
      const before = log.version
      change()
      return log.version > before
    }
    const { blockHash: hash } = found(1)
    expect(risen(() => log.record(found(2)))).toBe(true)
    expect(risen(() => log.settle(hash, 'accepted', null))).toBe(true)
    expect(risen(() => log.fate(hash, -1))).toBe(true)
    expect(risen(() => log.fate(hash, -1))).toBe(false)
  })

  it('what is beside the chain and still has no block on top is nothing new', () => {
    const log = new BlockLog([found(1, 'orphaned'), found(2, 'lost-race: inconclusive')])
    expect(log.fate(found(1).blockHash, 0)).toBeNull()
    expect(log.fate(found(2).blockHash, 0)).toBeNull()
    expect(log.fate(found(1).blockHash, 1)?.result).toBe('accepted')
    expect(log.fate(found(2).blockHash, 1)?.result).toBe('accepted')
  })
})
