import { blockHash } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ledgerCsv } from './ledger-csv.ts'
import { type BestChain, ledgerOf, type PoolBlock } from './payout-ledger.ts'

const OURS = new Set(['us', 'us too'])
const hashOf = (n: number) => blockHash(n.toString(16).padStart(64, '0'))

function blockAt(bitcoinHeight: number, over: Partial<PoolBlock> = {}): PoolBlock {
  return {
    bitcoinHeight,
    blockHash: hashOf(bitcoinHeight),
    timeSec: 1_800_000_000 + bitcoinHeight,
    outputs: [
      { address: 'them', valueSats: 5n },
      { address: 'us', valueSats: 7n }
    ],
    result: 'accepted',
    ...over
  }
}

/** A best chain that holds the block of each height that has its number for a hash. */
function chainTo(tipHeight: number): BestChain {
  return { tipHeight, hashAt: height => hashOf(height) }
}

describe('the payout ledger', () => {
  it.each([
    [1000, 1, 'immature', 99],
    [1001, 2, 'immature', 98],
    [1098, 99, 'immature', 1],
    // The block after the one at 1,099 is a hundred above ours and may spend it.
    [1099, 100, 'mature', 0],
    [2000, 1001, 'mature', 0]
  ])('at tip %i says of a block at 1,000: %i confirmations, %s', (tip, confirmations, state, blocksToMaturity) => {
    const ledger = ledgerOf([blockAt(1000)], OURS, chainTo(tip))
    expect(ledger.blocks).toMatchObject([{ confirmations, state, blocksToMaturity, valueSats: 7n }])
  })

  it('says of a block that was beaten that it is orphaned, whatever was answered to it', () => {
    const beaten = blockAt(1000, { blockHash: hashOf(5), result: 'accepted: inconclusive' })
    const ledger = ledgerOf([beaten], OURS, chainTo(1500))
    expect(ledger.blocks).toMatchObject([{ state: 'orphaned', confirmations: 0, blocksToMaturity: null }])
    expect(ledger.sats).toEqual({ waiting: 0n, immature: 0n, mature: 0n, orphaned: 7n })
  })

  it('waits for what nobody can say', () => {
    for (const chain of [null, chainTo(999), { tipHeight: 2000, hashAt: () => null }])
      expect(ledgerOf([blockAt(1000)], OURS, chain).blocks).toMatchObject([
        { state: 'waiting', confirmations: 0, blocksToMaturity: null }
      ])
  })

  it('counts each block once, by what became of it', () => {
    const none = { waiting: 0, immature: 0, mature: 0, orphaned: 0 }
    expect(ledgerOf([], OURS, chainTo(1500)).counts).toEqual(none)
    const counts = (block: PoolBlock) => ledgerOf([block], OURS, chainTo(1500)).counts
    expect(counts(blockAt(1501))).toEqual({ ...none, waiting: 1 })
    expect(counts(blockAt(1500))).toEqual({ ...none, immature: 1 })
    expect(counts(blockAt(1000))).toEqual({ ...none, mature: 1 })
    expect(counts(blockAt(1000, { blockHash: hashOf(5) }))).toEqual({ ...none, orphaned: 1 })
  })

  it('lists the later of two at one height first', () => {
    const times = [5, 9, 7].map(timeSec => blockAt(1000, { timeSec }))
    expect(ledgerOf(times, OURS, null).blocks.map(({ block }) => block.timeSec)).toEqual([9, 7, 5])
  })

  it('finds every output to us, and blocks that pay us nothing', () => {
    const outputs = [
      { address: 'us too', valueSats: 1n },
      { address: 'us', valueSats: 2n }
    ]
    const ledger = ledgerOf([blockAt(1, { outputs }), blockAt(2, { outputs: [] })], OURS, chainTo(50))
    expect(ledger.blocks.map(({ valueSats, ours }) => [valueSats, ours.length])).toEqual([
      [0n, 0],
      [3n, 2]
    ])
    expect(ledger.counts.immature).toBe(2)
  })

  it('sums to what all blocks paid us, highest first', () => {
    const anyBlocks = fc.array(fc.record({ height: fc.integer({ min: 1, max: 300 }), isOurs: fc.boolean() }))
    fc.assert(
      fc.property(anyBlocks, fc.integer({ min: 1, max: 400 }), (drawn, tip) => {
        const blocks = drawn.map(({ height, isOurs }) => blockAt(height, isOurs ? {} : { blockHash: hashOf(999) }))
        const ledger = ledgerOf(blocks, OURS, chainTo(tip))
        const { waiting, immature, mature, orphaned } = ledger.sats
        expect(waiting + immature + mature + orphaned).toBe(7n * BigInt(blocks.length))
        const heights = ledger.blocks.map(({ block }) => block.bitcoinHeight)
        expect(heights).toEqual(heights.toSorted((a, b) => b - a))
      })
    )
  })

  it('is a table for spreadsheets, and what bitcoind said is no formula in it', () => {
    const blocks = [
      blockAt(1000, { result: '=HYPERLINK("http://x")' }),
      blockAt(1001, { blockHash: hashOf(5), outputs: [{ address: 'us', valueSats: 312_500_001n }] })
    ]
    const lines = ledgerCsv(ledgerOf(blocks, OURS, chainTo(1001))).split('\r\n')
    expect(lines).toEqual([
      'time_utc,bitcoin_height,block_hash,address,value_sats,value_btc,state,confirmations,result',
      `2027-01-15T08:16:41Z,1001,${hashOf(5)},us,312500001,3.12500001,orphaned,0,accepted`,
      `2027-01-15T08:16:40Z,1000,${hashOf(1000)},us,7,0.00000007,immature,2,"'=HYPERLINK(""http://x"")"`,
      ''
    ])
  })
})
