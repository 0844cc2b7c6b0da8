import { describe, expect, it } from 'vitest'
import { AddressRangeError, AddressRanges } from './address-ranges.ts'

describe('AddressRanges', () => {
  it('knows what is in them, of both families', () => {
    const ranges = new AddressRanges(['10.1.0.0/16', ' 192.0.2.7 ', '2001:db8::/32'])
    for (const inside of ['10.1.255.255', '192.0.2.7', '2001:db8:1::1']) expect(ranges.includes(inside)).toBe(true)
    for (const outside of ['10.2.0.0', '192.0.2.8', '2001:db9::1', '::1', 'nonsense', '']) {
      expect(ranges.includes(outside)).toBe(false)
    }
  })

  it.each(['', '10.0.0', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/8/8', 'fd00::/129', 'pool.example'])(
    'names %j as what it cannot read',
    range => {
      expect(() => new AddressRanges([range])).toThrow(AddressRangeError)
      expect(() => new AddressRanges([range])).toThrow(`"${range}"`)
    }
  )
})
