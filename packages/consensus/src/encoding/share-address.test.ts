import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { bech32m } from '@scure/base'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/share-addresses.json' with { type: 'json' }
import { encodeShareAddress, parseShareAddress } from './share-address.ts'

const SIGNET = 'sp2pool'

function reasonOf(text: string, expectedHrp = SIGNET): string {
  const parsed = parseShareAddress(text, expectedHrp)
  return parsed.ok ? 'accepted' : parsed.reason
}

describe('share addresses', () => {
  it.each(vectors.accepted)('read and write $text', ({ programHex, hrp, text }) => {
    const parsed = parseShareAddress(text, hrp)
    expect(parsed.ok && bytesToHex(parsed.program.program)).toBe(programHex)
    expect(parsed.ok && parsed.program.version).toBe(1)
    expect(encodeShareAddress({ version: 1, program: hexToBytes(programHex) }, hrp)).toBe(text)
    expect(reasonOf(text.toUpperCase(), hrp)).toBe('accepted')
  })

  it.each(vectors.refused)('refuse $text as $reason', ({ text, reason }) => {
    expect(reasonOf(text)).toBe(reason)
  })

  it.each(vectors.accepted)('of one network are refused on the others: $text', ({ hrp, text }) => {
    for (const other of ['p2pool', 'tp2pool', 'sp2pool', 'rp2pool']) {
      expect(reasonOf(text, other), other).toBe(other === hrp ? 'accepted' : 'network-mismatch')
    }
  })

  const good = vectors.accepted[2]?.text ?? ''
  const program = hexToBytes(vectors.accepted[2]?.programHex ?? '')
  const encode = (words: number[], limit = 90): string => bech32m.encode(SIGNET, words, limit)

  it.each([
    ['an empty text', '', 'encoding'],
    ['no separator', 'sp2pool', 'encoding'],
    ['mixed case', `${good.slice(0, 20)}${good.slice(20).toUpperCase()}`, 'encoding'],
    ['a changed character', good.replace('43yn', '43ym'), 'encoding'],
    ['a space behind', `${good} `, 'encoding'],
    ['91 characters', encode([1, ...bech32m.toWords(new Uint8Array(47))], 91), 'encoding'],
    ['superfluous symbols', encode([1, ...bech32m.toWords(program), 0, 0]), 'padding'],
    ['padding bits that are set', encode([1, ...bech32m.toWords(program).with(-1, 31)]), 'padding'],
    ['a version of 16', encode([16, ...bech32m.toWords(program)]), 'unsupported-witness-version'],
    ['a version of 17', encode([17, ...bech32m.toWords(program)]), 'invalid-witness-version'],
    ['a program of 2 bytes', encode([1, ...bech32m.toWords(new Uint8Array(2))]), 'invalid-output-key-length'],
    ['a program of 40 bytes', encode([1, ...bech32m.toWords(new Uint8Array(40))]), 'invalid-output-key-length'],
    ['a program of 33 bytes', encode([1, ...bech32m.toWords(new Uint8Array(33))]), 'invalid-output-key-length'],
    ['a program of 1 byte', encode([1, ...bech32m.toWords(new Uint8Array(1))]), 'witness-program'],
    ['a program of 41 bytes', encode([1, ...bech32m.toWords(new Uint8Array(41))]), 'witness-program'],
    ['an address of bitcoin', 'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr', 'unknown-prefix']
  ])('with %s are refused', (_name, text, reason) => {
    expect(reasonOf(text)).toBe(reason)
  })

  it('are unsupported where the network has no prefix', () => {
    expect(reasonOf(good, 'nosuch')).toBe('unsupported-network')
  })
})
