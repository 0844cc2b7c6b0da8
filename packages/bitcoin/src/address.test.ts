import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { address as bitcoinJsAddress, initEccLib, networks } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AddressProblem, BitcoinNetwork } from './address.ts'
import { addressFromScript, parseAddress } from './address.ts'
import { curveForBitcoinJs } from './secp256k1.ts'
import { xOnlyPublicKey } from './taproot.ts'

const NETWORKS: readonly BitcoinNetwork[] = ['main', 'test', 'regtest']
const LIBRARY_NETWORKS = { main: networks.bitcoin, test: networks.testnet, regtest: networks.regtest }

/** Addresses with their scripts from BIP16, BIP86, BIP173, BIP350 and Bitcoin Core's key_io tests. */
const PAYABLE: readonly (readonly [BitcoinNetwork, string, string])[] = [
  ['main', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac'],
  ['main', '3P14159f73E4gFr7JterCCQh9QjiTjiZrG', 'a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87'],
  ['test', 'mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs', '76a91453c0307d6851aa0ce7825ba883c6bd9ad242b48688ac'],
  ['test', '2N2JD6wb56AfK4tfmM6PwdVmoYk2dCKf4Br', 'a9146349a418fc4578d10a372b54b45c280cc8c4382f87'],
  ['main', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
  ['test', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
  [
    'test',
    'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
    '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262'
  ],
  [
    'test',
    'tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy',
    '0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433'
  ],
  [
    'test',
    'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
    '5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433'
  ],
  [
    'main',
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
  ],
  [
    'main',
    'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
    '5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c'
  ]
]

const REFUSED: readonly (readonly [string, string, AddressProblem])[] = [
  ['no text', '', 'empty'],
  ['a space around an address', ' 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'malformed'],
  ['text of 91 characters', `bc1q${'q'.repeat(87)}`, 'malformed'],
  ['a private key in WIF', '5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ', 'malformed'],
  ['a litecoin address', 'ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9', 'malformed'],
  ['an unknown prefix', 'tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut', 'malformed'],
  ['a share-chain address', 'p2pool1p43yn7gfseftvkhp62kvxpnhe4p8epddgthlya3hxqelwactlf5ksxgg7wd', 'malformed'],
  ['mixed case', 'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq', 'malformed'],
  ['a letter bech32 does not have', 'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', 'malformed'],
  ['no data at all', 'bc1gmk9yu', 'malformed'],
  ['version 17', 'BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R', 'malformed'],
  ['a program of one byte', 'bc1pw5dgrnzv', 'malformed'],
  [
    'a program of 41 bytes',
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav',
    'malformed'
  ],
  ['a version 0 program of 16 bytes', 'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P', 'malformed'],
  ['bech32m for version 0', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh', 'checksum'],
  ['bech32m for version 0 on test', 'tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47', 'checksum'],
  ['bech32 for version 1', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', 'checksum'],
  ['bech32 for version 2', 'tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf', 'checksum'],
  ['bech32 for version 16', 'BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL', 'checksum'],
  ['zero padding of more than 4 bits', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf', 'checksum'],
  ['padding that is not zero', 'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j', 'checksum'],
  ['a mistyped bech32 character', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'checksum'],
  ['a mistyped base58 character', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb', 'checksum'],
  ['a litecoin pay-to-public-key-hash address', 'LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1', 'malformed'],
  ['version 16', 'BC1SW50QGDZ25J', 'unsupported-version'],
  ['version 2', 'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', 'unsupported-version'],
  ['pay-to-anchor', 'bc1pfeessrawgf', 'unsupported-version'],
  [
    'version 1 with 40 bytes',
    'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    'unsupported-version'
  ]
]

afterEach(() => {
  vi.restoreAllMocks()
})

describe('parseAddress', () => {
  it.each(PAYABLE)('reads an address of %s: %s', (network, text, scriptHex) => {
    const parsed = parseAddress(text, network)
    expect(parsed).toMatchObject({ ok: true, script: hexToBytes(scriptHex) })
    const canonical = text.startsWith('BC1') ? text.toLowerCase() : text
    expect(parsed).toMatchObject({ text: canonical })
    expect(addressFromScript(hexToBytes(scriptHex), network)).toBe(canonical)
  })

  it.each(PAYABLE)('says that an address of %s is not of the others: %s', (network, text) => {
    const isBase58Test = network === 'test' && !text.startsWith('tb1')
    for (const asked of NETWORKS) {
      if (asked === network || (isBase58Test && asked === 'regtest')) continue
      expect(parseAddress(text, asked), asked).toEqual({ ok: false, reason: 'wrong-network', network })
    }
  })

  it('reads base58 test addresses on regtest too', () => {
    expect(parseAddress('mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs', 'regtest').ok).toBe(true)
    expect(parseAddress('2N2JD6wb56AfK4tfmM6PwdVmoYk2dCKf4Br', 'regtest').ok).toBe(true)
  })

  it('names regtest for a bcrt1 address elsewhere', () => {
    const text = addressFromScript(hexToBytes(`0014${'11'.repeat(20)}`), 'regtest') ?? ''
    expect(text).toMatch(/^bcrt1q/)
    expect(parseAddress(text, 'regtest').ok).toBe(true)
    for (const asked of ['main', 'test'] as const) {
      expect(parseAddress(text, asked)).toEqual({ ok: false, reason: 'wrong-network', network: 'regtest' })
    }
  })

  it.each(REFUSED)('refuses %s', (_what, text, reason) => {
    const network = text.toLowerCase().startsWith('tb1') ? 'test' : 'main'
    expect(parseAddress(text, network)).toEqual({ ok: false, reason })
  })

  it('refuses a taproot program that is no curve point, although its text is well-formed', () => {
    const script = hexToBytes(`5120${'00'.repeat(31)}05`)
    const text = addressFromScript(script, 'main') ?? ''
    expect(parseAddress(text, 'main')).toEqual({ ok: false, reason: 'not-a-point' })
  })

  it('answers for any text without throwing', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 100 }),
      fc
        .tuple(fc.constantFrom('bc1', 'tb1', 'bcrt1', '1', '3', 'm', '2'), fc.string({ maxLength: 90 }))
        .map(p => p.join(''))
    )
    fc.assert(
      fc.property(texts, fc.constantFrom(...NETWORKS), (text, network) => {
        expect(parseAddress(text, network).ok).toBe(false)
      })
    )
  })

  it('refuses every single mistyped character of an address', () => {
    const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
    const text = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    for (let at = 4; at < text.length; at++) {
      for (const letter of alphabet) {
        if (letter === text[at]) continue
        const mistyped = text.slice(0, at) + letter + text.slice(at + 1)
        expect(parseAddress(mistyped, 'main'), mistyped).toEqual({ ok: false, reason: 'checksum' })
      }
    }
  })
})

const anyHash20 = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(bytesToHex)
const anyHash32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex)
const anyOutputKey = fc
  .integer({ min: 1, max: 0x7fff_ffff })
  .map(n => bytesToHex(xOnlyPublicKey(hexToBytes(n.toString(16).padStart(64, '0')))))
const payableScripts = fc
  .oneof(
    anyHash20.map(hash => `76a914${hash}88ac`),
    anyHash20.map(hash => `a914${hash}87`),
    anyHash20.map(hash => `0014${hash}`),
    anyHash32.map(hash => `0020${hash}`),
    anyOutputKey.map(key => `5120${key}`)
  )
  .map(hexToBytes)

describe('addressFromScript', () => {
  it('is the inverse of parseAddress, and agrees with bitcoinjs-lib, for every type on every network', () => {
    initEccLib(curveForBitcoinJs)
    fc.assert(
      fc.property(payableScripts, fc.constantFrom(...NETWORKS), (script, network) => {
        const text = addressFromScript(script, network) ?? ''
        expect(text).toBe(bitcoinJsAddress.fromOutputScript(script, LIBRARY_NETWORKS[network]))
        expect(parseAddress(text, network)).toEqual({ ok: true, script, text })
      }),
      { numRuns: 60 }
    )
  })

  it.each([
    ['BIP350, version 16', '6002751e', 'bc1sw50qgdz25j'],
    ['BIP350, version 2', '5210751e76e8199196d454941c45d1b3a323', 'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs'],
    ['pay-to-anchor', '51024e73', 'bc1pfeessrawgf']
  ])('names the address of a program that nobody should be paid to: %s', (_what, scriptHex, text) => {
    expect(addressFromScript(hexToBytes(scriptHex), 'main')).toBe(text)
  })

  it('has an address for every legal witness version and length', () => {
    for (let version = 1; version <= 16; version++) {
      for (let length = 2; length <= 40; length++) {
        const script = new Uint8Array(2 + length)
        script.set([0x50 + version, length])
        expect(addressFromScript(script, 'regtest')).toMatch(/^bcrt1/)
      }
    }
  })

  it.each([
    '',
    '6a24aa21a9ed',
    `0015${'11'.repeat(21)}`,
    `6114${'11'.repeat(20)}`,
    `76a914${'11'.repeat(20)}88`,
    `76a914${'11'.repeat(20)}8888`,
    `76a913${'11'.repeat(20)}88ac`,
    `a914${'11'.repeat(20)}88`,
    `21${'02'.repeat(33)}ac`
  ])('has none for script "%s"', scriptHex => {
    expect(addressFromScript(hexToBytes(scriptHex), 'main')).toBeNull()
  })
})

describe('the console', () => {
  it('stays silent for witness versions of the future', () => {
    const methods = (['log', 'info', 'warn', 'error', 'debug'] as const).map(name => vi.spyOn(console, name))
    for (const [, text] of REFUSED) parseAddress(text, 'main')
    addressFromScript(hexToBytes('6002751e'), 'main')
    for (const method of methods) expect(method).not.toHaveBeenCalled()
  })
})
