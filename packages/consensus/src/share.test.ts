import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { consensusAddress, consensusAddressFromScript } from './share.ts'

const KEY_HASH = '751e76e8199196d454941c45d1b3a323f1433bd6'
const P2WPKH = `0014${KEY_HASH}`
const P2PKH = `76a914${KEY_HASH}88ac`
const P2SH = `a914${KEY_HASH}87`

describe('consensus addresses', () => {
  it.each([
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'main', 0, P2WPKH],
    ['1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', 'main', 0, P2PKH],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'test', 1, P2WPKH],
    ['mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r', 'test', 1, P2PKH],
    ['mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r', 'regtest', 1, P2PKH],
    ['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'regtest', 2, P2WPKH]
  ] as const)('%s on %s has class %i', (text, network, addressClass, scriptHex) => {
    const address = consensusAddress(text, network)
    expect(address?.text).toBe(text)
    expect(address?.addressClass).toBe(addressClass)
    expect(address && bytesToHex(address.script)).toBe(scriptHex)
  })

  it('have canonical text whatever the case they were typed in', () => {
    expect(consensusAddress('TB1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KXPJZSX', 'test')?.text).toBe(
      'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'
    )
  })

  it.each([
    ['another network’s', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'main'],
    ['a mistyped', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'main'],
    ['no', '', 'main']
  ] as const)('are not made from %s address', (_name, text, network) => {
    expect(consensusAddress(text, network)).toBeNull()
  })

  it.each([
    [0, P2SH, '3CNHUhP3uyB9EUtRLsmvFUmvGdjGdkTxJw'],
    [1, P2SH, /^2[1-9A-Za-z]{34}$/],
    [2, P2SH, /^2[1-9A-Za-z]{34}$/],
    // A version 1 program need not be a curve point, nor 32 bytes long, to be an address.
    [0, `5120${'00'.repeat(32)}`, /^bc1pq{52}[02-9a-z]{6}$/],
    [0, '51024e73', 'bc1pfeessrawgf'],
    [0, `6028${'01'.repeat(40)}`, /^bc1s/]
  ])('are rebuilt from class %i and script %s', (addressClass, scriptHex, text) => {
    expect(consensusAddressFromScript(addressClass, hexToBytes(scriptHex))?.text).toMatch(text)
  })

  it('of regtest class and base58 script take the class that their text has', () => {
    expect(consensusAddressFromScript(2, hexToBytes(P2SH))?.addressClass).toBe(1)
    expect(consensusAddressFromScript(2, hexToBytes(P2PKH))?.addressClass).toBe(1)
    expect(consensusAddressFromScript(2, hexToBytes(P2WPKH))?.addressClass).toBe(2)
  })

  it.each([
    ['class 3', 3, P2WPKH],
    ['an empty script', 0, ''],
    ['a data script', 0, `6a14${KEY_HASH}`],
    ['a bare public key', 0, `2102${'11'.repeat(32)}ac`],
    ['a version 0 program of 21 bytes', 0, `0015${KEY_HASH}00`],
    ['a program of 1 byte', 0, '510101'],
    ['a program of 41 bytes', 0, `5129${'01'.repeat(41)}`]
  ])('do not exist for %s', (_name, addressClass, scriptHex) => {
    expect(consensusAddressFromScript(addressClass, hexToBytes(scriptHex))).toBeNull()
  })

  it('hold on to nothing of a message that their script was read from', () => {
    const message = hexToBytes(`${P2WPKH}${'00'.repeat(1_000)}`)
    const address = consensusAddressFromScript(0, message.subarray(0, 22))
    expect(address?.script.buffer.byteLength).toBe(22)
    message.fill(0xff)
    expect(consensusAddressFromScript(0, hexToBytes(P2WPKH))).toEqual(address)
    expect(address && bytesToHex(address.script)).toBe(P2WPKH)
  })
})
