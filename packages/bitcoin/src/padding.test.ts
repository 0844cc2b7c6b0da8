import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { isPaddingOutput, paddingOutput } from './padding.ts'

const outputBytes = (scriptHex: string): number => 9 + scriptHex.length / 2

describe('padding output', () => {
  it('is OP_RETURN and a push of the twenty zeros of protocol §5.5', () => {
    const lengthBefore = 192 - outputBytes(`6a14${'00'.repeat(20)}`)
    expect(paddingOutput(lengthBefore)).toEqual({ valueSats: 0n, script: hexToBytes(`6a14${'00'.repeat(20)}`) })
  })

  it('is there with an empty push if nothing needs filling', () => {
    expect(bytesToHex(paddingOutput(64 - 11).script)).toBe('6a00')
  })

  it('fills up to a whole block for every length, with at most 63 zeros', () => {
    for (let lengthBefore = 0; lengthBefore < 64; lengthBefore++) {
      const padding = paddingOutput(lengthBefore)
      expect((lengthBefore + 9 + padding.script.length) % 64, `${lengthBefore} bytes before`).toBe(0)
      expect(padding.script.length).toBeLessThanOrEqual(65)
      expect(isPaddingOutput(padding, lengthBefore)).toBe(true)
    }
  })

  it("is recognised in another node's form without push length", () => {
    expect(isPaddingOutput({ valueSats: 0n, script: hexToBytes('6a') }, 54)).toBe(true)
    expect(isPaddingOutput({ valueSats: 0n, script: hexToBytes(`6a${'00'.repeat(21)}`) }, 161)).toBe(true)
  })

  it.each([
    ['a value', { valueSats: 1n, script: hexToBytes('6a00') }],
    ['no script', { valueSats: 0n, script: hexToBytes('') }],
    ['another operation', { valueSats: 0n, script: hexToBytes('5100') }],
    ['a byte that is not zero', { valueSats: 0n, script: hexToBytes('6a0101') }],
    ['the wrong length', { valueSats: 0n, script: hexToBytes('6a0100') }],
    ['a block more than needed', { valueSats: 0n, script: hexToBytes(`6a40${'00'.repeat(64)}`) }]
  ])('is not recognised with %s', (_what, output) => {
    expect(isPaddingOutput(output, 53)).toBe(false)
  })
})
