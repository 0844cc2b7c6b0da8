import { randomBytes } from 'node:crypto'
import { portableCurve, respond } from '@p2poolv2/stratum/sv2'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nodeCipher } from './noise-cipher.ts'
import { nodeCurve } from './noise-curve.ts'
import { newKeyPair } from './noise-identity.ts'

// The portable curve is held against the reference's bytes where it is.
it('answers a handshake with the bytes that the portable curve gives', () => {
  const given = { ephemeral: newKeyPair(), static: newKeyPair(), certificate: randomBytes(74), newCipher: nodeCipher }
  const act1 = randomBytes(64)
  expect(respond(act1, { ...given, curve: nodeCurve })).toEqual(respond(act1, { ...given, curve: portableCurve }))
})

it('multiplies as the portable curve does, also to coordinates that begin with zeros', () => {
  const secret = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .filter(bytes => bytes.some(byte => byte !== 0) && (bytes[0] as number) < 0xff)
  fc.assert(
    fc.property(secret, secret, (ours, theirs) => {
      const x = portableCurve.xOf(theirs)
      expect(nodeCurve.xOf(ours)).toEqual(portableCurve.xOf(ours))
      expect(nodeCurve.multiply(ours, x)).toEqual(portableCurve.multiply(ours, x))
      // Used again, as the static key is.
      expect(nodeCurve.multiply(ours, x)).toHaveLength(32)
    }),
    { numRuns: 20 }
  )
  let small = 1
  const numbered = (n: number): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, at) => (at < 28 ? 0 : (n >>> (8 * (31 - at))) & 0xff))
  while (portableCurve.xOf(numbered(small))[0] !== 0) small += 1
  expect(nodeCurve.xOf(numbered(small))).toEqual(portableCurve.xOf(numbered(small)))
  expect(nodeCurve.multiply(numbered(1), portableCurve.xOf(numbered(small)))).toEqual(
    portableCurve.xOf(numbered(small))
  )
})
