import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { genesisShare } from '@p2poolv2/consensus'
import { bytesToHex } from '@p2poolv2/primitives'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../config.ts'
import type { Config } from '../settings.ts'
import { configuredParams } from './chain-params.ts'
import { beginFromSeed, devnetSeedOf } from './devnet-seed.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-seed-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const configOf = (name: string, settings: Partial<Config> = {}): Config => {
  const { config } = loadConfig({ file: null, env: {}, flags: { data_dir: join(folder, name), chain: 'devnet' } })
  return { ...config, ...settings }
}

/** The inviter's devnet, which began a while ago. */
function invited(settings: Partial<Config> = {}): { seed: Uint8Array; hash: string } {
  const config = configOf('ann', { genesis: { time: 1_795_360_577 }, ...settings })
  const params = configuredParams(config)
  return { seed: devnetSeedOf(config, params), hash: genesisShare(params).hash }
}

const BITCOIND: Config['bitcoind'] = [{ url: 'http://127.0.0.1:1', user: 'u', password: 'p' }]
const BLOCK = {
  bitcoin_height: 70_000,
  bitcoin_header: '02'.repeat(80),
  bitcoin_coinbase: `01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0151ffffffff01${'00'.repeat(8)}0151${'00'.repeat(4)}`
}

describe('joining a devnet', () => {
  it('begins the inviter’s in a new data directory, and every later start goes on with it', () => {
    const { seed, hash } = invited()
    const joiner = configOf('bob')
    expect(genesisShare(beginFromSeed(joiner, seed)).hash).toBe(hash)
    expect(readdirSync(joiner.data_dir)).toEqual(['devnet-genesis'])
    expect(readFileSync(join(joiner.data_dir, 'devnet-genesis'), 'utf8')).toBe('1795360577\n')
    expect(genesisShare(configuredParams(joiner)).hash).toBe(hash)
    expect(genesisShare(beginFromSeed(joiner, seed)).hash).toBe(hash)
    // And who joined can invite.
    expect(devnetSeedOf(joiner, configuredParams(joiner))).toEqual(seed)
  })

  it.each([
    ['the end of time', { time: 0xffff_ffff }],
    ['the last height', { time: 1_795_360_577, ...BLOCK, bitcoin_height: 500_000_000 }]
  ])('refuses one that begins at %s, before anything is written', (_where, genesis) => {
    const joiner = configOf('bob')
    const { seed } = invited({ genesis })
    expect(() => beginFromSeed(joiner, seed)).toThrow('after which there is no other')
    expect(existsSync(joiner.data_dir)).toBe(false)
  })

  it('takes over a genesis share that names another bitcoin block', () => {
    const { seed, hash } = invited({ genesis: { time: 1_795_360_577, ...BLOCK }, bitcoind: BITCOIND })
    expect(seed.length).toBeLessThanOrEqual(512)
    const joiner = configOf('bob', { bitcoind: BITCOIND })
    beginFromSeed(joiner, seed)
    const params = configuredParams(joiner)
    expect(genesisShare(params).hash).toBe(hash)
    expect(params.genesisBitcoinCoinbase && bytesToHex(params.genesisBitcoinCoinbase)).toBe(BLOCK.bitcoin_coinbase)
    expect(devnetSeedOf(joiner, params)).toEqual(seed)
  })

  it('refuses a data directory with a devnet of its own, and touches nothing there', () => {
    const { seed } = invited()
    const joiner = configOf('bob')
    const own = configuredParams(joiner)
    mkdirSync(join(joiner.data_dir, 'devnet', 'store'), { recursive: true })
    expect(() => beginFromSeed(joiner, seed)).toThrow(ConfigError)
    expect(() => beginFromSeed(joiner, seed)).toThrow(
      /bob has a devnet of its own.*--data-dir DIR.*Nothing was changed/
    )
    expect(configuredParams(joiner)).toEqual(own)
    expect(readdirSync(joiner.data_dir).sort()).toEqual(['devnet', 'devnet-genesis'])
  })

  it('goes on with a directory that has begun the same devnet', () => {
    const { seed, hash } = invited()
    const joiner = configOf('bob')
    mkdirSync(join(joiner.data_dir, 'devnet', 'store'), { recursive: true })
    writeFileSync(join(joiner.data_dir, 'devnet-genesis'), '1795360577')
    expect(genesisShare(beginFromSeed(joiner, seed)).hash).toBe(hash)
  })

  it.each<[string, Partial<Config>, RegExp]>([
    ['another chain', { chain: 'signet' }, /for a devnet, and chain is signet.*--chain devnet/],
    [
      'a bitcoin node where the built-in chain is meant',
      { bitcoind: BITCOIND },
      /built-in bitcoin chain.*leave \[bitcoind\] out/
    ],
    ['another genesis in the settings', { genesis: { time: 5 } }, /settings in \[genesis\].*leave them out/]
  ])('refuses settings for %s', (_what, settings, message) => {
    const { seed } = invited()
    const joiner = configOf('bob', settings)
    expect(() => beginFromSeed(joiner, seed)).toThrow(ConfigError)
    expect(() => beginFromSeed(joiner, seed)).toThrow(message)
    expect(existsSync(joiner.data_dir)).toBe(false)
  })

  it('refuses the built-in chain where bitcoin nodes are meant', () => {
    const { seed } = invited({ bitcoind: BITCOIND })
    expect(() => beginFromSeed(configOf('bob'), seed)).toThrow(/mines on bitcoin nodes: set \[bitcoind\]/)
  })

  it('refuses a seed with any byte changed, and begins nothing', () => {
    const joiner = configOf('bob')
    for (const seed of [invited().seed, invited({ genesis: { time: 1_795_360_577, ...BLOCK } }).seed]) {
      // The first transaction of a genesis block is part of no hash.
      for (let at = 0; at < Math.min(seed.length, 131); at++) {
        const damaged = seed.map((byte, i) => (i === at ? byte ^ 1 : byte))
        expect(() => beginFromSeed(joiner, damaged), `byte ${at}`).toThrow(ConfigError)
      }
      expect(() => beginFromSeed(joiner, seed.subarray(0, -1))).toThrow(/cannot be joined.*same version/)
    }
    expect(existsSync(joiner.data_dir)).toBe(false)
  })
})
