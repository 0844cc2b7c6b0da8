import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import {
  type BlockHash,
  bigIntFromBits,
  blockHash,
  type CompactBits,
  hashMeetsTarget,
  type ShareHash,
  shareHash,
  targetFromBits
} from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { isBlock, isOfBitcoin, MAX_BITCOIN_HEIGHT, MAX_UNCONFIRMED_BLOCKS, SeenBlocks } from './seen-blocks.ts'

const hex = (number: bigint | number): string => number.toString(16).padStart(64, '0')
const name = (number: number): ShareHash => shareHash(hex(number))

function blockOf(number: bigint | number, share: ShareHash | null = null): FoundBlock {
  const hash: BlockHash = blockHash(hex(number))
  return { bitcoinHeight: 1, blockHash: hash, timeSec: 1, shareHash: share, outputs: [], result: 'unconfirmed' }
}

/** Four times as easy as the other, to the last digit. */
const EASY: CompactBits = 0x207ffffc
const QUARTER: CompactBits = 0x201fffff

describe('a share that says it is a block', () => {
  const builder = new ChainBuilder(easyParams())
  const share = builder.build({ parent: builder.genesis })
  /** With another header of bitcoin, which nobody has mined a share with. */
  function shareOf(bits: CompactBits, wants: 'a block' | 'no block', bitcoinHeight = 1n) {
    for (let nonce = 0; ; nonce++) {
      const bitcoinHeader = { ...share.header.bitcoinHeader, bits, nonce }
      const isMet = hashMeetsTarget(bitcoinHeaderHashWire(bitcoinHeader), targetFromBits(bits))
      if (isMet === (wants === 'a block'))
        return { ...share, header: { ...share.header, bitcoinHeader, bitcoinHeight } }
    }
  }

  it('is one if it has the work that its own header asks for', () => {
    expect(isBlock(shareOf(EASY, 'a block'), null)).toBe(true)
    expect(isBlock(shareOf(EASY, 'no block'), null)).toBe(false)
    expect(isBlock(shareOf(EASY, 'no block'), EASY)).toBe(false)
  })

  it('may be a quarter as hard as bitcoin is now, and no easier', () => {
    const block = shareOf(EASY, 'a block')
    expect(isBlock(block, EASY)).toBe(true)
    expect(isBlock(block, QUARTER)).toBe(true)
    expect(isBlock(block, QUARTER - 1)).toBe(false)
  })

  it('is none at a height that is none', () => {
    expect(isBlock(shareOf(EASY, 'a block', MAX_BITCOIN_HEIGHT), null)).toBe(true)
    expect(isBlock(shareOf(EASY, 'a block', MAX_BITCOIN_HEIGHT + 1n), null)).toBe(false)
  })
})

it('a block from before the first template is one of bitcoin’s if its hash is not above four times the target', () => {
  const bits: CompactBits = 0x1d00ffff
  const most = bigIntFromBits(bits) * 4n
  expect(isOfBitcoin(blockOf(most), bits)).toBe(true)
  expect(isOfBitcoin(blockOf(most + 1n), bits)).toBe(false)
  expect(isOfBitcoin(blockOf(most / 2n), bits)).toBe(true)
  expect(isOfBitcoin(blockOf(2n ** 256n - 1n), null)).toBe(true)
})

describe('SeenBlocks', () => {
  it('gives a block once, when one of the shares is its own', () => {
    const seen = new SeenBlocks([blockOf(1), blockOf(2, name(2))])
    const added = blockOf(3, name(3))
    expect(seen.add(name(3), added)).toBeNull()
    expect(seen.get(name(3))).toBe(added)
    expect(seen.take([name(9)])).toEqual([])
    expect(seen.take([name(9), name(3), name(2)])).toEqual([added, blockOf(2, name(2))])
    expect(seen.take([name(3), name(2)])).toEqual([])
    seen.add(name(3), added)
    expect(seen.take([name(3)])).toEqual([added])
  })

  it('keeps as many as its cap, and of more the ones with the most work', () => {
    const blocks = Array.from({ length: MAX_UNCONFIRMED_BLOCKS }, (_, n) => blockOf(n + 10, name(n + 10)))
    const [first, ...others] = blocks
    const seen = new SeenBlocks(others)
    expect(first && seen.add(name(10), first)).toBeNull()
    const last = blocks.at(-1)
    for (const block of [first, last]) expect(seen.get(block?.shareHash ?? expect.fail())).toBe(block)
    expect(seen.add(name(1), blockOf(1, name(1)))).toBe(last)
    expect(seen.add(name(2), blockOf(5_000, name(2)))).toEqual(blockOf(5_000, name(2)))
    expect(seen.get(name(1))).toEqual(blockOf(1, name(1)))
    seen.checkInvariants()
  })

  it('holds no more than its cap of what a store has', () => {
    const blocks = Array.from({ length: MAX_UNCONFIRMED_BLOCKS + 3 }, (_, n) => blockOf(n + 10, name(n + 10)))
    const seen = new SeenBlocks(blocks.toReversed())
    const kept = blocks.filter(({ shareHash: hash }) => hash !== null && seen.get(hash) !== undefined)
    expect(kept).toEqual(blocks.slice(0, MAX_UNCONFIRMED_BLOCKS))
  })
})
