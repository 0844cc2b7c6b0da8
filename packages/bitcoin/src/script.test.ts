import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { script as bitcoinJsScript } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isWitnessCommitmentScript,
  pushData,
  readPush,
  scriptNumberPush,
  witnessProgramOf,
  witnessProgramScript
} from './script.ts'

describe('scriptNumberPush', () => {
  it.each([
    [0, '00'],
    [1, '51'],
    [16, '60'],
    [17, '0111'],
    [127, '017f'],
    [128, '028000'],
    [255, '02ff00'],
    [256, '020001'],
    [505, '02f901'],
    [506, '02fa01'],
    [1779, '02f306'],
    [28951, '021771'],
    [32767, '02ff7f'],
    [32768, '03008000'],
    [144054, '03b63202'],
    [227836, '03fc7903'],
    [840000, '0340d10c'],
    [900000, '03a0bb0d'],
    [8388607, '03ffff7f'],
    [8388608, '0400008000'],
    [499999999, '04ff64cd1d'],
    [500000000, '040065cd1d'],
    [(1n << 63n) - 1n, '08ffffffffffffff7f']
  ])('pushes %s as BIP34 demands', (n, hex) => {
    expect(bytesToHex(scriptNumberPush(n))).toBe(hex)
  })

  it('agrees with bitcoinjs-lib above 16', () => {
    fc.assert(
      fc.property(fc.integer({ min: 17, max: 0x7fff_ffff }), n => {
        const number = bitcoinJsScript.number.encode(n)
        expect(scriptNumberPush(n)).toEqual(Uint8Array.from(bitcoinJsScript.compile([number])))
      })
    )
  })
})

describe('pushData and readPush', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [75, '4b'],
    [76, '4c4c'],
    [255, '4cff'],
    [256, '4d0001'],
    [65535, '4dffff']
  ])('pushes %s bytes with the shortest length', (length, prefix) => {
    const data = new Uint8Array(length).fill(0xee)
    const push = pushData(data)
    expect(bytesToHex(push.subarray(0, push.length - length))).toBe(prefix)
    expect(readPush(push, 0)).toEqual({ data, next: push.length })
  })

  it('keeps a single small byte as a push of one byte', () => {
    expect(bytesToHex(pushData(Uint8Array.of(0)))).toBe('0100')
    expect(bytesToHex(pushData(Uint8Array.of(5)))).toBe('0105')
  })

  it.each([
    ['the end of the script', ''],
    ['an operation that is no push', '51'],
    ['OP_PUSHDATA4', '4e0100000000'],
    ['a push over the end', '0200'],
    ['OP_PUSHDATA1 without length', '4c'],
    ['OP_PUSHDATA1 over the end', '4c02ff'],
    ['OP_PUSHDATA2 with half a length', '4d01'],
    ['OP_PUSHDATA2 over the end', '4d0200ff']
  ])('reads nothing at %s', (_what, hex) => {
    expect(readPush(hexToBytes(hex), 0)).toBeNull()
  })

  it('reads pushes one after the other', () => {
    const script = hexToBytes('02aabb01cc')
    const first = readPush(script, 0)
    expect(first).toEqual({ data: hexToBytes('aabb'), next: 3 })
    expect(readPush(script, first?.next ?? 0)).toEqual({ data: hexToBytes('cc'), next: 5 })
  })
})

describe('witness programs', () => {
  it('round-trips every legal version and length, and no other', () => {
    for (let version = 0; version <= 17; version++) {
      for (let length = 0; length <= 42; length++) {
        const opcode = version === 0 ? 0 : 0x50 + version
        const script = new Uint8Array(2 + length).fill(9)
        script.set([opcode, length])
        const isLegal = version === 0 ? length === 20 || length === 32 : version <= 16 && length >= 2 && length <= 40
        const found = witnessProgramOf(script)
        expect(found !== null, `version ${version}, ${length} bytes`).toBe(isLegal)
        if (found !== null) expect(witnessProgramScript(found.version, found.program)).toEqual(script)
      }
    }
  })

  it.each(['', '00', '0014', '4f020101', '50020101', '5120ff', '51020101ff'])('finds no program in "%s"', hex => {
    expect(witnessProgramOf(hexToBytes(hex))).toBeNull()
  })
})

describe('isWitnessCommitmentScript', () => {
  it('wants exactly 38 bytes with the tag', () => {
    const script = `6a24aa21a9ed${'11'.repeat(32)}`
    expect(isWitnessCommitmentScript(hexToBytes(script))).toBe(true)
    expect(isWitnessCommitmentScript(hexToBytes(`${script}00`))).toBe(false)
    expect(isWitnessCommitmentScript(hexToBytes(script.slice(0, -2)))).toBe(false)
    expect(isWitnessCommitmentScript(hexToBytes(script.replace('ed', 'ee')))).toBe(false)
  })
})
