import { blockHash } from '@p2poolv2/primitives'
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
    expect(log.record(found(1, 'seen'))).toBe(true)
    expect(log.record(found(1, 'seen'))).toBe(false)
    expect(log.record(found(1))).toBe(true)
    expect(log.record(found(1, 'seen'))).toBe(false)
    log.settle(found(1).blockHash, 'accepted', null)
    expect(log.record(found(1))).toBe(false)
    expect(log.newestFirst()[0]?.result).toBe('accepted')
  })

  it('a block from before the start without an answer says so, and may be submitted again', () => {
    const log = new BlockLog([found(1)])
    expect(log.newestFirst()[0]?.result).toBe('submitted: no answer on record')
    expect(log.record(found(1))).toBe(true)
    expect(log.settle(found(1).blockHash, 'failed', null)?.result).toBe('failed')
  })

  it('an answer for a block it does not know changes nothing', () => {
    const log = new BlockLog([])
    expect(log.settle(found(1).blockHash, 'accepted', null)).toBeNull()
    expect(log.size).toBe(0)
  })
})
