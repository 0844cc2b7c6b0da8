import { hexToBytes, workFromBits } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { integerDifficulty } from './asert.ts'
import { ConfigurationNeeded, chainParams, devnetParams } from './params.ts'

const REGTEST_HEADER = chainParams('regtest').genesisBitcoinHeader

function settingNeeded(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigurationNeeded) return error.setting
    throw error
  }
  return 'none'
}

describe('chain parameters', () => {
  it('of the public chains are those of the protocol', () => {
    for (const chain of ['main', 'signet', 'regtest'] as const) {
      const params = chainParams(chain)
      expect(params).toMatchObject({
        protocolRevision: '2026-10b',
        maxTargetBits: 0x1b384bd7,
        anchorBits: 0x1b4188f5,
        spacingSec: 10,
        halfLifeSec: 600,
        difficultyMultiplier: 1n,
        windowMaxShares: 120_960,
        pruneDepth: 241_920,
        paddingTable: 'A:6a03000000 B:6a000000 C:000000',
        paddingSpan: 100,
        paddingMinimum: 20,
        maxUncles: 3,
        uncleDepth: 3,
        futureTimeSec: 120,
        medianTimeSpan: 11,
        maxBodyBytes: 204_800,
        maxTransactions: 100,
        maxSigopCost: 80_000,
        maxSharesPerHeight: 20,
        mainWeight: 10n,
        uncleWeight: 9n,
        nephewWeight: 1n,
        shareCoinbaseValueSats: 100_000_000n,
        maxBranchNodes: 16
      })
    }
    expect(chainParams('main').genesisBitcoinHeight).toBe(920527)
  })

  it('of testnet4 need the genesis time and the block header, and name the setting', () => {
    expect(settingNeeded(() => chainParams('testnet4'))).toBe('[genesis] time')
    expect(settingNeeded(() => chainParams('testnet4', { timeSec: 1 }))).toBe('[genesis] bitcoin_header')
    const wrongBlock = { timeSec: 1, bitcoinHeader: REGTEST_HEADER }
    expect(settingNeeded(() => chainParams('testnet4', wrongBlock))).toBe('[genesis] bitcoin_header')
    const configured = chainParams('testnet4', { ...wrongBlock, bitcoinHeight: 5 })
    expect(configured).toMatchObject({ genesisTimeSec: 1, genesisBitcoinHeight: 5, shareAddressHrp: 'tp2pool' })
    expect(configured.genesisBitcoinCoinbase).toBeNull()
  })

  it('of a devnet need the time it began', () => {
    expect(settingNeeded(() => chainParams('devnet'))).toBe('[genesis] time')
    expect(chainParams('devnet', { timeSec: 1_700_000_000 })).toMatchObject({
      chain: 'devnet',
      genesisTimeSec: 1_700_000_000,
      shareAddressHrp: 'rp2pool'
    })
  })

  it.each([
    ['[genesis] time', { timeSec: 1.5 }],
    ['[genesis] time', { timeSec: 2 ** 32 }],
    ['[genesis] bitcoin_header', { bitcoinHeader: hexToBytes('00') }],
    ['[genesis] bitcoin_height', { bitcoinHeight: -1 }]
  ])('refuse an impossible %s', (setting, genesis) => {
    expect(settingNeeded(() => chainParams('signet', genesis))).toBe(setting)
  })

  it.each([
    ['difficulty_multiplier', { difficultyMultiplier: 0n }],
    ['spacing', { spacingSec: 0 }],
    ['half_life', { halfLifeSec: 0.5 }]
  ])('of a devnet refuse an impossible %s', (setting, options) => {
    expect(settingNeeded(() => devnetParams({ genesisTimeSec: 1, ...options }))).toBe(setting)
  })

  it('of a devnet make shares cheap and the window a few hundred shares long', () => {
    const params = devnetParams({ genesisTimeSec: 1_700_000_000 })
    expect(workFromBits(params.maxTargetBits)).toBe(256n)
    expect(workFromBits(params.anchorBits)).toBe(65537n)
    // A bitcoin target of 30 shares' work, written compactly.
    const bitcoinBits = 0x1e088888
    const window = integerDifficulty(params, bitcoinBits) * params.difficultyMultiplier
    expect(Number(window / integerDifficulty(params, params.anchorBits))).toBe(300)
  })
})
