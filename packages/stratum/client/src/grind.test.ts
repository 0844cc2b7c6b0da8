import { bytesToHex, hexToBytes, sha256d, targetFromDifficulty } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { grind } from './grind.ts'

// Made and checked independently of this code base (stratum §2.19, V1).
const HEADER =
  '000000206f564534231201f0efdecdbcab9a897867564534231201000000000000000000' +
  'cb2a72e6288cade357ad58d2c4ab75eb7c98bf84880a15afccd67e1d776470680000a06800a0021700000000'

it('finds the nonce of a known share and not before it', () => {
  const header = hexToBytes(HEADER)
  const nonce = 0x004f14e1
  expect(grind(header, targetFromDifficulty(1.53), { firstNonce: nonce - 50, count: 100 })).toBe(nonce)
  expect(bytesToHex(sha256d(header).reverse())).toBe('00000000a712a6ae973d1eb9f6353ac21aa7e30ee41cbd1341e94a022d917c62')
  expect(grind(header, targetFromDifficulty(1.54), { firstNonce: nonce - 50, count: 100 })).toBe(-1)
})
