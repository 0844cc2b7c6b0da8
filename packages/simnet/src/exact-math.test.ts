import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exactExp, exactLn } from './exact-math.ts'

it('agrees with the engine to the last few bits', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-12, max: 1e12, noNaN: true }), x => {
      expect(Math.abs(exactLn(x) - Math.log(x))).toBeLessThan(1e-13)
    })
  )
  fc.assert(
    fc.property(fc.double({ min: -20, max: 20, noNaN: true }), x => {
      expect(Math.abs(exactExp(x) / Math.exp(x) - 1)).toBeLessThan(1e-14)
    })
  )
})

it('gives these very bits everywhere', () => {
  const bits = (x: number): string => new BigUint64Array(new Float64Array([x]).buffer)[0]?.toString(16) ?? ''
  expect([exactLn(0.1), exactLn(3), exactExp(0.5), exactExp(-7)].map(bits)).toMatchInlineSnapshot(`
    [
      "c0026bb1bbb55515",
      "3ff193ea7aad030b",
      "3ffa61298e1e069b",
      "3f4de16b9c24a98e",
    ]
  `)
})
