import { parseTemplate } from '@p2poolv2/bitcoin'
import { blockHash, bytesToHex, ZERO_BLOCK_HASH } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { KEPT_BLOCKS, TREE_LIMITS } from './block-tree.ts'
import { DevChain } from './dev-chain.ts'
import { bitsFromHashes, DEV_DIFFICULTY } from './difficulty.ts'
import { BLOCK_CASES } from './testing/block-cases.ts'
import { buildBlock, REGTEST_DIFFICULTY } from './testing/build-block.ts'

const NOW_SEC = 1_795_360_577

function minedChain(blocks: number): DevChain {
  const chain = new DevChain(REGTEST_DIFFICULTY)
  for (let i = 0; i < blocks; i++) {
    const nowSec = NOW_SEC + 30 * i
    expect(chain.submit(buildBlock(chain.template(nowSec)), nowSec).type).toBe('accepted')
  }
  return chain
}

describe('DevChain', () => {
  it('begins with the genesis block of regtest', () => {
    const { tip } = new DevChain()
    expect(tip.hash).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206')
    expect(bytesToHex(tip.header.merkleRootWire.slice().reverse())).toBe(
      '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'
    )
    expect(tip.bitcoinHeight).toBe(0)
  })

  it('gives templates that pass our own check at the door', () => {
    const chain = new DevChain()
    const parsed = parseTemplate(chain.template(NOW_SEC))
    expect(parsed).toMatchObject({ ok: true, template: { bitcoinHeight: 1, coinbaseValueSats: 5_000_000_000n } })
  })

  it('gives the witness commitment of an empty block', () => {
    expect(new DevChain().template(NOW_SEC).default_witness_commitment).toBe(
      '6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'
    )
  })

  it.each(BLOCK_CASES)('$name: $expected', ({ changes, expected }) => {
    const chain = minedChain(20)
    const nowSec = NOW_SEC + 600
    const template = chain.template(nowSec)
    const outcome = chain.submit(buildBlock(template, changes(template)), nowSec)
    expect(outcome.type === 'refused' ? outcome.reason : null).toBe(expected)
    expect(chain.tip.bitcoinHeight).toBe(expected === null ? 21 : 20)
  })

  it('what is not a block is undecodable', () => {
    const chain = new DevChain()
    const block = buildBlock(new DevChain(REGTEST_DIFFICULTY).template(NOW_SEC))
    for (const bytes of [new Uint8Array(0), new Uint8Array(80), block.subarray(0, -1), new Uint8Array(4_000_001)]) {
      expect(chain.submit(bytes, NOW_SEC)).toEqual({ type: 'undecodable' })
    }
  })

  it('the same block again is a duplicate, on the tip and below it', () => {
    const chain = minedChain(3)
    for (const bitcoinHeight of [1, 3]) {
      const again = chain.submit(chain.blockAt(bitcoinHeight)?.bytes ?? new Uint8Array(0), NOW_SEC + 90)
      expect(again).toEqual({ type: 'refused', reason: 'duplicate' })
    }
  })

  it('a good block on an older parent is kept beside the chain, then a duplicate, and the tip stays', () => {
    const chain = minedChain(3)
    const older = chain.template(NOW_SEC + 90)
    chain.submit(buildBlock(older), NOW_SEC + 90)
    const tip = chain.tip
    const late = buildBlock(older, { header: { timeSec: older.curtime + 1 } })
    expect(chain.submit(late, NOW_SEC + 100)).toMatchObject({ type: 'beside', added: [{ bitcoinHeight: 4 }] })
    expect(chain.submit(late, NOW_SEC + 100)).toEqual({ type: 'refused', reason: 'duplicate' })
    expect(chain.tip).toBe(tip)
  })

  it('a bad block on an older parent is judged by that parent', () => {
    const chain = minedChain(3)
    const older = chain.template(NOW_SEC + 90)
    chain.submit(buildBlock(older), NOW_SEC + 90)
    const late = buildBlock(older, { header: { timeSec: older.mintime - 1 } })
    expect(chain.submit(late, NOW_SEC + 100)).toEqual({ type: 'refused', reason: 'time-too-old' })
  })

  it('the median time is that of eleven blocks, the genesis block among the first', () => {
    const chain = minedChain(14)
    expect(chain.blockAt(1)?.medianTimeSec).toBe(NOW_SEC)
    expect(chain.blockAt(2)?.medianTimeSec).toBe(NOW_SEC)
    expect(chain.blockAt(14)?.medianTimeSec).toBe(NOW_SEC + 30 * 8)
    expect(chain.template(0).mintime).toBe(NOW_SEC + 30 * 8 + 1)
    expect(chain.template(0).curtime).toBe(NOW_SEC + 30 * 8 + 1)
  })

  it('after a stall takes easy blocks as well as regular ones, and no easy one before', () => {
    const rule = { ...DEV_DIFFICULTY, startBits: bitsFromHashes(2_000n), easiestBits: 0x207f_ffff }
    const stalledChain = () => {
      const chain = new DevChain(rule)
      chain.submit(buildBlock(chain.template(NOW_SEC)), NOW_SEC)
      return chain
    }
    const nowSec = NOW_SEC + 301
    const [before, after] = [stalledChain().template(nowSec - 1), stalledChain().template(nowSec)]
    expect(after.bits).toBe('207fffff')
    expect(before.bits).not.toBe(after.bits)
    expect(after.longpollid).not.toBe(before.longpollid)
    const early = buildBlock({ ...after, curtime: nowSec - 1 })
    expect(stalledChain().submit(early, nowSec)).toEqual({ type: 'refused', reason: 'bad-diffbits' })
    expect(stalledChain().submit(buildBlock(after), nowSec).type).toBe('accepted')
    expect(stalledChain().submit(buildBlock({ ...before, curtime: nowSec }), nowSec).type).toBe('accepted')
  })

  it('finds blocks by height and by hash', () => {
    const chain = minedChain(3)
    const second = chain.blockAt(2)
    expect(second === null ? null : chain.blockOf(second.hash)).toBe(second)
    expect(chain.blockAt(0)?.bitcoinHeight).toBe(0)
    expect(chain.blockAt(4)).toBeNull()
    expect(chain.blockAt(-1)).toBeNull()
    expect(chain.blockOf(ZERO_BLOCK_HASH)).toBeNull()
    expect(
      chain.blockOf(blockHash('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206'))?.bitcoinHeight
    ).toBe(0)
  })

  it('is the same chain after its blocks were restored', () => {
    const chain = minedChain(20)
    const copy = new DevChain(REGTEST_DIFFICULTY)
    for (let height = 1; height <= 20; height++) {
      expect(copy.restore(chain.blockAt(height)?.bytes ?? new Uint8Array(0), height)).toBe(true)
    }
    expect(copy.tip).toEqual(chain.tip)
    expect(copy.template(NOW_SEC + 700)).toEqual(chain.template(NOW_SEC + 700))
  })

  it('restores no block that does not follow, and goes on from a shortened chain', () => {
    const chain = minedChain(20)
    const bytesAt = (height: number) => chain.blockAt(height)?.bytes ?? new Uint8Array(0)
    const copy = new DevChain(REGTEST_DIFFICULTY)
    for (let height = 8; height <= 18; height++) expect(copy.restore(bytesAt(height), height)).toBe(true)
    expect(copy.restore(bytesAt(20), 20)).toBe(false)
    expect(copy.restore(bytesAt(19), 20)).toBe(false)
    expect(copy.restore(new Uint8Array(3), 19)).toBe(false)
    expect(copy.restore(bytesAt(19), 19)).toBe(true)
    expect(copy.blockAt(7)).toBeNull()
    expect(copy.blockAt(8)?.hash).toBe(chain.blockAt(8)?.hash)
    const nowSec = NOW_SEC + 700
    expect(copy.restore(bytesAt(20), 20)).toBe(true)
    expect(copy.template(nowSec)).toEqual(chain.template(nowSec))
    expect(copy.submit(buildBlock(copy.template(nowSec)), nowSec).type).toBe('accepted')
  })

  it('forgets the oldest block at its cap', () => {
    expect(TREE_LIMITS.chainBlocks).toBe(KEPT_BLOCKS)
    const chain = new DevChain(REGTEST_DIFFICULTY, { ...TREE_LIMITS, chainBlocks: 500 })
    const blocks = 500 + 2
    let fromHash: string | undefined
    for (let i = 1; i <= blocks; i++) {
      chain.submit(buildBlock(chain.template(NOW_SEC + i)), NOW_SEC + i)
      if (i === 1) fromHash = chain.tip.hash
    }
    expect(chain.tip.bitcoinHeight).toBe(blocks)
    expect(chain.blockAt(2)).toBeNull()
    expect(chain.blockAt(3)?.bitcoinHeight).toBe(3)
    expect(chain.blockAt(0)?.bitcoinHeight).toBe(0)
    expect(chain.blockOf(blockHash(fromHash ?? ''))).toBeNull()
  })
})
