import { blockHash, hexToBytes, targetFromBits, wireFromDisplay } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { type BitcoinTip, emptyTemplate, isHeaderOf, subsidySats } from './empty-template.ts'
import { type BlockTemplate, parseTemplate } from './template.ts'
import captured from './vectors/templates.json' with { type: 'json' }

/** Mainnet's block 1, as every explorer shows it. */
const BLOCK_1 = {
  hash: blockHash('00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048'),
  header: {
    version: 1,
    prevHashWire: wireFromDisplay('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f'),
    merkleRootWire: wireFromDisplay('0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098'),
    timeSec: 1_231_469_665,
    bits: 0x1d00ffff,
    nonce: 2_573_394_689
  }
}

function templateOf(json: unknown): BlockTemplate {
  const parsed = parseTemplate(json)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.template
}

/** One that bitcoind gave on regtest, with a transaction in it. */
const BEFORE = templateOf(captured.regtestOneTransaction)

/** The block that was made of `BEFORE`. */
function tip(
  change: { height?: number; bits?: number; prevHashWire?: Uint8Array; medianTimeSec?: number } = {}
): BitcoinTip {
  return {
    hash: BLOCK_1.hash,
    header: {
      ...BLOCK_1.header,
      prevHashWire: change.prevHashWire ?? BEFORE.prevHashWire,
      bits: change.bits ?? BEFORE.bits
    },
    bitcoinHeight: change.height ?? BEFORE.bitcoinHeight,
    medianTimeSec: change.medianTimeSec ?? BEFORE.minTimeSec
  }
}

const NOW_SEC = BEFORE.curTimeSec + 7
const elsewhere = new Uint8Array(32).fill(7)
const after = (on: BitcoinTip, chain = 'regtest'): BlockTemplate | null =>
  emptyTemplate(on, { chain, before: BEFORE, nowSec: NOW_SEC })

describe('isHeaderOf', () => {
  it("knows mainnet's block 1 by its header", () => {
    expect(isHeaderOf(BLOCK_1.hash, BLOCK_1.header)).toBe(true)
  })

  it('refuses a header that hashes to something else, or has not the work its bits ask for', () => {
    expect(isHeaderOf(BLOCK_1.hash, { ...BLOCK_1.header, nonce: 0 })).toBe(false)
    expect(isHeaderOf(BLOCK_1.hash, { ...BLOCK_1.header, bits: 0x1c00ffff })).toBe(false)
  })
})

describe('the template of an empty block', () => {
  it('builds on the tip, pays the subsidy, carries no transaction, and is what it was in all else', () => {
    expect(after(tip())).toEqual({
      ...BEFORE,
      bitcoinHeight: BEFORE.bitcoinHeight + 1,
      prevHash: BLOCK_1.hash,
      prevHashWire: expect.any(Uint8Array),
      curTimeSec: NOW_SEC,
      minTimeSec: BEFORE.minTimeSec + 1,
      // Regtest halves every 150 blocks.
      coinbaseValueSats: 2_500_000_000n,
      // bitcoind's own default_witness_commitment of an empty block, the same on every chain.
      witnessCommitmentScript: hexToBytes(
        '6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'
      ),
      transactions: [],
      merkleBranch: new Uint8Array(0),
      longPollId: null
    })
  })

  it('is never earlier than the median time of the chain allows', () => {
    const template = after(tip({ medianTimeSec: NOW_SEC + 100 }))
    expect(template).toMatchObject({ minTimeSec: NOW_SEC + 101, curTimeSec: NOW_SEC + 101 })
  })

  it.each(['main', 'signet'])('on %s has the bits of its period, and none where a period ends', chain => {
    const at = (height: number) => after(tip({ height, bits: 0x17034219, prevHashWire: elsewhere }), chain)
    expect(at(840_670)).toMatchObject({ bits: 0x17034219, bitcoinTarget: targetFromBits(0x17034219) })
    expect(840_672 % 2016).toBe(0)
    expect(at(840_671)).toBeNull()
    expect(at(840_672)).toMatchObject({ bits: 0x17034219 })
  })

  it('on regtest has the only bits there are, at every height; a chain with others is none of ours to foresee', () => {
    expect(after(tip({ height: 2015, prevHashWire: elsewhere }))).toMatchObject({ bits: 0x207fffff })
    expect(after(tip({ bits: 0x1e3fffff }))).toBeNull()
  })

  it.each(['test', 'testnet4', 'somewhere'])(
    'on %s there is none, since bits depend on the time of the block',
    chain => {
      expect(after(tip(), chain)).toBeNull()
    }
  )

  it('does not go back, and does not believe a height that the parent contradicts', () => {
    expect(after(tip({ height: BEFORE.bitcoinHeight - 2, prevHashWire: elsewhere }))).toBeNull()
    expect(after(tip({ height: BEFORE.bitcoinHeight + 1 }))).toBeNull()
  })

  it('of one height with the one before it takes its place: another block has won', () => {
    const other = after(tip({ height: BEFORE.bitcoinHeight - 1, prevHashWire: elsewhere }))
    expect(other).toMatchObject({ bitcoinHeight: BEFORE.bitcoinHeight, prevHash: BLOCK_1.hash })
  })
})

it.each([
  [0, 5_000_000_000n],
  [209_999, 5_000_000_000n],
  [210_000, 2_500_000_000n],
  [840_000, 312_500_000n],
  [6_929_999, 1n],
  [6_930_000, 0n],
  [100_000_000, 0n]
])("main's subsidy at height %i is %i", (height, sats) => {
  expect(subsidySats(height, 210_000)).toBe(sats)
})
