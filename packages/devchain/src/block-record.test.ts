import { concatBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBlockRecords, encodeBlockRecord } from './block-record.ts'

const anyRecord = fc.record({
  bitcoinHeight: fc.integer({ min: 0, max: 0xffff_ffff }),
  bytes: fc.uint8Array({ maxLength: 300 })
})

describe('block records', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 5 }), records => {
        const file = concatBytes(...records.map(encodeBlockRecord))
        expect(decodeBlockRecords(file)).toEqual({ records, goodBytes: file.length })
      })
    )
  })

  it('are cut at a torn end', () => {
    const one = encodeBlockRecord({ bitcoinHeight: 1, bytes: new Uint8Array(90).fill(1) })
    const two = encodeBlockRecord({ bitcoinHeight: 2, bytes: new Uint8Array(90).fill(2) })
    for (let kept = 0; kept < two.length; kept++) {
      const { records, goodBytes } = decodeBlockRecords(concatBytes(one, two.subarray(0, kept)))
      expect(records.map(({ bitcoinHeight }) => bitcoinHeight)).toEqual([1])
      expect(goodBytes).toBe(one.length)
    }
  })

  it('end at a flipped bit, wherever it is', () => {
    const file = encodeBlockRecord({ bitcoinHeight: 1, bytes: new Uint8Array(20).fill(1) })
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = Uint8Array.from(file, (byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      expect(decodeBlockRecords(damaged), `bit ${bit}`).toEqual({ records: [], goodBytes: 0 })
    }
  })
})
