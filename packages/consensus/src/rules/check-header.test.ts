import { describe, expect, it } from 'vitest'
import { grindHeader } from '../commitment/mine-share.ts'
import { genesisShare } from '../genesis/genesis.ts'
import { chainParams, devnetParams } from '../params.ts'
import { RULES, type RuleCode } from '../rule-code.ts'
import type { Checked, ShareHeader } from '../share.ts'
import { buildShare, TEST_PARAMS, testAddress } from '../testing/build-share.ts'
import { checkHeader } from './check-header.ts'

const GENESIS = genesisShare(TEST_PARAMS)
const WEIGHTS = {
  total: 1n,
  byAddress: new Map([[testAddress(1).text, { address: testAddress(1), weight: 1n }]])
}
const GOOD = buildShare({
  params: TEST_PARAMS,
  prev: GENESIS.hash,
  bits: TEST_PARAMS.maxTargetBits,
  timeSec: 1_700_000_001,
  weights: WEIGHTS
}).header

function codeOf(checked: Checked): string {
  return checked.ok ? 'passed' : checked.code
}

/** The same header with another bitcoin target, mined again. */
function withBitcoinBits(bits: number): ShareHeader {
  return { ...GOOD, bitcoinHeader: grindHeader({ ...GOOD.bitcoinHeader, bits }, [GOOD.bits]) }
}

describe('the header gate', () => {
  it('lets a mined header pass', () => {
    expect(codeOf(checkHeader(TEST_PARAMS, GOOD))).toBe('passed')
  })

  it.each<[RuleCode, string, Partial<ShareHeader>]>([
    ['share-miner-program', 'version 0', { minerAddress: { version: 0, program: new Uint8Array(32) } }],
    ['share-miner-program', 'version 2', { minerAddress: { version: 2, program: new Uint8Array(32) } }],
    ['share-miner-program', '20 bytes', { minerAddress: { version: 1, program: new Uint8Array(20) } }],
    ['share-uncle-count', 'four uncles', { uncles: new Array(4).fill(GENESIS.hash) }],
    ['share-target-zero', 'no mantissa', { bits: 0x20000000 }],
    ['share-target-zero', 'a negative mantissa', { bits: 0x1f800000 }],
    ['share-target-ceiling', 'one above the easiest', { bits: 0x20010000 }],
    ['share-work', 'a far harder target', { bits: 0x1c00ffff }]
  ])('refuses with %s: %s', (code, _name, change) => {
    expect(codeOf(checkHeader(TEST_PARAMS, { ...GOOD, ...change }))).toBe(code)
    expect(RULES[code].verdict).toBe('bad-copy')
  })

  it('allows three uncles', () => {
    const header = { ...GOOD, uncles: new Array(3).fill(GENESIS.hash) }
    expect(codeOf(checkHeader(TEST_PARAMS, header))).toBe('passed')
  })

  // Such a share can never be valid, but other nodes know it and may name it as an uncle.
  it('asks neither for the bitcoin target nor for the size of the cuts: they are for the chain context', () => {
    for (const bits of [0x1d000000, 0x1d800000, 0]) {
      expect(codeOf(checkHeader(TEST_PARAMS, withBitcoinBits(bits))), String(bits)).toBe('passed')
    }
    expect(codeOf(checkHeader(TEST_PARAMS, { ...GOOD, donationBps: 10_001, feeBps: 0xffff }))).toBe('passed')
  })

  it('asks for work in the order of its rules, last', () => {
    const header = { ...GOOD, bits: 0x1c00ffff, uncles: new Array(4).fill(GENESIS.hash) }
    expect(codeOf(checkHeader(TEST_PARAMS, header))).toBe('share-uncle-count')
  })

  it('refuses the genesis of every public chain: its target is above the ceiling', () => {
    for (const chain of ['main', 'signet', 'regtest'] as const) {
      const params = chainParams(chain)
      expect(codeOf(checkHeader(params, genesisShare(params).header)), chain).toBe('share-target-ceiling')
    }
  })

  it('has no easier mode: a devnet with a harder ceiling refuses what this one takes', () => {
    const harder = devnetParams({ genesisTimeSec: 1_700_000_000, maxTargetBits: 0x1f00ffff })
    expect(codeOf(checkHeader(harder, GOOD))).toBe('share-target-ceiling')
  })
})
