import { chainParams, consensusFingerprint, fingerprintText } from '@p2poolv2/consensus'
import { asciiToBytes, bytesToHex, CodecError, concatBytes, sha256 } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoded } from './decoded.ts'
import { decodeRulesMessage, encodeRulesMessage, MAX_RULES_BYTES } from './rules-messages.ts'

const rulesOf = (lines: string) =>
  encodeRulesMessage({ type: 'rules', fingerprint: sha256(asciiToBytes(lines)), lines })

describe('messages about rules', () => {
  it('are a zero byte as a question, and as an answer a one, the fingerprint and the lines with their length', () => {
    expect(encodeRulesMessage({ type: 'getRules' })).toEqual(Uint8Array.of(0))
    const fingerprint = sha256(asciiToBytes('a=1\n'))
    expect(rulesOf('a=1\n')).toEqual(
      concatBytes(Uint8Array.of(1), fingerprint, Uint8Array.of(4), asciiToBytes('a=1\n'))
    )
  })

  it.each(['main', 'signet', 'regtest'] as const)(
    'carry the fingerprint and the values of %s with room to spare',
    chain => {
      const params = chainParams(chain)
      const message = decodeRulesMessage(rulesOf(fingerprintText(params)))
      if (message.type !== 'rules') throw new Error('it is an answer')
      expect(bytesToHex(message.fingerprint)).toBe(consensusFingerprint(params))
      expect(message.lines.length).toBeLessThan(MAX_RULES_BYTES / 2)
    }
  )

  it('may tell a fingerprint without values', () => {
    const fingerprint = new Uint8Array(32).fill(7)
    const payload = encodeRulesMessage({ type: 'rules', fingerprint, lines: '' })
    expect(decodeRulesMessage(payload)).toEqual({ type: 'rules', fingerprint, lines: '' })
  })

  it.each([
    ['a control character', 'a=1\u0007\n'],
    ['a carriage return', 'a=1\r\n'],
    ['an escape sequence', 'a=\u001b[2J\n'],
    ['a tabulator', 'a=\t\n'],
    ['a line without a name', '=1\n'],
    ['a line without a value sign', 'a\n'],
    ['an empty line', 'a=1\n\n'],
    ['a last line without an end', 'a=1'],
    ['a name with a blank', 'a b=1\n']
  ])('with %s are refused', (_name, lines) => {
    expect(() => decodeRulesMessage(rulesOf(lines))).toThrow(CodecError)
  })

  it('with characters beyond ASCII are refused', () => {
    const bytes = Uint8Array.of(0x61, 0x3d, 0xc3, 0xa9, 0x0a)
    const payload = concatBytes(Uint8Array.of(1), sha256(bytes), Uint8Array.of(bytes.length), bytes)
    expect(() => decodeRulesMessage(payload)).toThrow(CodecError)
  })

  it('with the fingerprint of other values, or with more values than fit, are refused', () => {
    const lie = encodeRulesMessage({ type: 'rules', fingerprint: new Uint8Array(32), lines: 'a=1\n' })
    expect(() => decodeRulesMessage(lie)).toThrow(CodecError)
    const fit = `a=${'1'.repeat(MAX_RULES_BYTES - 3)}\n`
    expect(decodeRulesMessage(rulesOf(fit))).toMatchObject({ lines: fit })
    expect(() => decodeRulesMessage(rulesOf(`a${fit}`))).toThrow(CodecError)
  })

  it('are refused when they are shorter, longer, or of another type', () => {
    const whole = rulesOf('a=1\nb=2\n')
    for (let length = 0; length < whole.length; length++) {
      expect(decoded(() => decodeRulesMessage(whole.subarray(0, length)))).toBeNull()
    }
    expect(decoded(() => decodeRulesMessage(concatBytes(whole, Uint8Array.of(0))))).toBeNull()
    expect(decoded(() => decodeRulesMessage(Uint8Array.of(0, 0)))).toBeNull()
    expect(decoded(() => decodeRulesMessage(Uint8Array.of(2)))).toBeNull()
  })

  it('of noise are refused or are what they are encoded from', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        const message = decoded(() => decodeRulesMessage(bytes))
        if (message !== null) expect(encodeRulesMessage(message)).toEqual(bytes)
      })
    )
  })
})
