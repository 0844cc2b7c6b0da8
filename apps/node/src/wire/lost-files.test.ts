import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '@p2poolv2/runtime'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../config.ts'
import { configuredParams } from '../data/chain-params.ts'
import { WalletError } from '../data/wallet.ts'
import type { Config } from '../settings.ts'
import { startNode } from './start-node.ts'

let folder: string
let config: Config
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-lost-'))
  config = loadConfig({ file: null, env: {}, flags: { data_dir: folder } }).config
})
afterEach(() => rmSync(folder, { recursive: true }))

it('begins a devnet once and stays on it', () => {
  const first = configuredParams(config)
  expect(configuredParams(config)).toEqual(first)
  expect(readdirSync(folder)).toEqual(['devnet-genesis'])
})

it('does not begin another devnet over the shares of a lost one', () => {
  mkdirSync(join(folder, 'devnet', 'store'), { recursive: true })
  expect(() => configuredParams(config)).toThrow(ConfigError)
  expect(() => configuredParams(config)).toThrow(/devnet-genesis is missing.*backup.*move/)
  expect(existsSync(join(folder, 'devnet-genesis'))).toBe(false)
})

it('does not replace the lost key of shares that were made', async () => {
  configuredParams(config)
  mkdirSync(join(folder, 'devnet', 'store'), { recursive: true })
  const log = createLog({ level: 'silent', format: 'json' })
  const start = startNode(config, null, { log, onStopped: () => undefined })
  await expect(start).rejects.toThrow(WalletError)
  await expect(start).rejects.toThrow(/wallet\.key is missing.*backup.*p2poolv2 address/)
  expect(existsSync(join(folder, 'wallet.key'))).toBe(false)
})
