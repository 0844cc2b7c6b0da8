import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { PADDING_FORMS, PADDING_TABLE_TEXT, paddingFormsOf, paddingOutput } from './padding.ts'

const outputBytes = (scriptHex: string): number => 9 + scriptHex.length / 2
const scriptHex = (form: (typeof PADDING_FORMS)[number], lengthBefore: number): string =>
  bytesToHex(paddingOutput(form, lengthBefore).script)

describe('padding output', () => {
  it('is OP_RETURN and a push of the twenty zeros of protocol §5.5', () => {
    const lengthBefore = 192 - outputBytes(`6a14${'00'.repeat(20)}`)
    expect(paddingOutput('A', lengthBefore)).toEqual({ valueSats: 0n, script: hexToBytes(`6a14${'00'.repeat(20)}`) })
  })

  it('has as many zeros in each form as the protocol counts for it', () => {
    for (let lengthBefore = 0; lengthBefore < 256; lengthBefore++) {
      const missing = (fixedBytes: number): number => (64 - ((lengthBefore + fixedBytes) % 64)) % 64
      const [a, b, c] = [missing(11), missing(10), missing(9)]
      expect(scriptHex('A', lengthBefore)).toBe(`6a${a.toString(16).padStart(2, '0')}${'00'.repeat(a)}`)
      expect(scriptHex('B', lengthBefore)).toBe(`6a${'00'.repeat(b)}`)
      expect(scriptHex('C', lengthBefore)).toBe('00'.repeat(c))
    }
  })

  it.each([
    ['A', 64 - 11, '6a00'],
    ['B', 64 - 10, '6a'],
    ['C', 64 - 9, '']
  ] as const)('of form %s is there if nothing needs filling', (form, lengthBefore, script) => {
    expect(scriptHex(form, lengthBefore)).toBe(script)
  })

  it('fills up to a whole block for every length, with at most 63 zeros', () => {
    for (const form of PADDING_FORMS) {
      for (let lengthBefore = 0; lengthBefore < 64; lengthBefore++) {
        const padding = paddingOutput(form, lengthBefore)
        expect((lengthBefore + 9 + padding.script.length) % 64, `${form}, ${lengthBefore} bytes before`).toBe(0)
        expect(padding.script.length).toBeLessThanOrEqual(65)
      }
    }
  })

  it('is told apart by its form, but for the one length at which A and B are the same', () => {
    for (const form of PADDING_FORMS) {
      for (let lengthBefore = 0; lengthBefore < 64; lengthBefore++) {
        const isShared = lengthBefore === 64 - 11 && form !== 'C'
        const forms = paddingFormsOf(paddingOutput(form, lengthBefore), lengthBefore)
        expect(forms, `${form}, ${lengthBefore} bytes before`).toEqual(isShared ? ['A', 'B'] : [form])
      }
    }
  })

  it.each([
    ['a value', { valueSats: 1n, script: hexToBytes('6a00') }],
    ['no script', { valueSats: 0n, script: hexToBytes('') }],
    ['another operation', { valueSats: 0n, script: hexToBytes('5100') }],
    ['a byte that is not zero', { valueSats: 0n, script: hexToBytes('6a0101') }],
    ['the wrong length', { valueSats: 0n, script: hexToBytes('6a0100') }],
    ['a block more than needed', { valueSats: 0n, script: hexToBytes(`6a40${'00'.repeat(64)}`) }],
    ['two blocks more than needed', { valueSats: 0n, script: new Uint8Array(66) }]
  ])('is of no form with %s', (_what, output) => {
    expect(paddingFormsOf(output, 53)).toEqual([])
  })

  it('shows the whole table in a line that changes with every form', () => {
    expect(PADDING_TABLE_TEXT).toBe('A:6a03000000 B:6a000000 C:000000')
  })
})
