import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openWallet, WalletError } from './wallet.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-wallet-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

// BIP86's first test vector: account key m/86'/0'/0'/0/0.
const BIP86_SECRET = '41f41d69260df4cf277826a9b65a3717e4eeddbeedf637f212ca096576479361'
const BIP86_OUTPUT_KEY = 'a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c'

it('makes the key once, readable by its owner only, and keeps it', () => {
  const first = openWallet(folder, () => hexToBytes(BIP86_SECRET))
  const second = openWallet(folder, () => {
    throw new Error('a key exists already')
  })
  expect(bytesToHex(first.shareProgram)).toBe(BIP86_OUTPUT_KEY)
  expect(second.shareProgram).toEqual(first.shareProgram)
  expect(statSync(join(folder, 'wallet.key')).mode & 0o777).toBe(0o600)
})

it('gives built-in miners different addresses that stay the same', () => {
  const wallet = openWallet(folder, () => hexToBytes(BIP86_SECRET))
  const [a, b] = [wallet.minerAddress(0, 'regtest'), wallet.minerAddress(1, 'regtest')]
  expect(a).toMatch(/^bcrt1p/)
  expect(a).not.toBe(b)
  expect(openWallet(folder, () => new Uint8Array(32)).minerAddress(0, 'regtest')).toBe(a)
})

it('asks again when chance gives a number that is no key', () => {
  const answers = [new Uint8Array(32), hexToBytes(BIP86_SECRET)]
  openWallet(folder, () => answers.shift() ?? new Uint8Array(32))
  expect(readFileSync(join(folder, 'wallet.key'), 'utf8').trim()).toBe(BIP86_SECRET)
})

it('refuses a key file that others may read, and one that holds no key, naming the file', () => {
  const file = join(folder, 'wallet.key')
  writeFileSync(file, `${BIP86_SECRET}\n`, { mode: 0o644 })
  expect(() => openWallet(folder, () => new Uint8Array(32))).toThrow(/chmod 600/)
  chmodSync(file, 0o600)
  writeFileSync(file, 'hello\n')
  expect(() => openWallet(folder, () => new Uint8Array(32))).toThrow(WalletError)
  expect(readFileSync(file, 'utf8')).toBe('hello\n')
})
