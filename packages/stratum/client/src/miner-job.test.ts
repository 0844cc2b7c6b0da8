import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { headerFor, type MinerJob, parseNotify } from './miner-job.ts'

// Made and checked independently of this code base (stratum §2.19, V1).
const NOTIFY = [
  'job1',
  '3445566ff0011223bccddeef78899aab34455667000112230000000000000000',
  '02000000010000000000000000000000000000000000000000000000000000000000000000ffffffff1b03a0bb0d0c',
  '092f74732d706f6f6c2fffffffff02205fa0120000000016001411111111111111111111111111111111111111110000000000000000266a24aa21a9ed1406e05881e299367766d313e26c05564ec91bf721d31726bd6e46e60689539a00000000',
  [
    '5cea2fda8d322fe39b227998e755eb6886b05da2e92597d3165b9444e9445b71',
    '435913209d24a2464af2aed724b7b4da8642828e5ad999167ac731fbedc3f424',
    '8451d7562e2b98825a90307b0180c97eb85f51ab471ec4bdfecd94361e8b5e5e'
  ],
  '20000000',
  '1702a000',
  '68a00000',
  true
] as const

function job(): MinerJob {
  const parsed = parseNotify(NOTIFY)
  if (parsed === null) throw new Error('the vector is a well-formed job')
  return parsed
}

it('builds the header of a known job', () => {
  const header = headerFor(job(), hexToBytes('0a000001'), hexToBytes('0000000000000001'))
  expect(bytesToHex(header)).toBe(
    '000000206f564534231201f0efdecdbcab9a897867564534231201000000000000000000cb2a72e6288cade357ad58d2c4ab75eb7c98bf84880a15afccd67e1d776470680000a06800a0021700000000'
  )
})

it.each([
  ['no array', 'x'],
  ['too few elements', NOTIFY.slice(0, 8)],
  ['a short previous hash', ['j', '00', ...NOTIFY.slice(2)]],
  ['hex that is none', [...NOTIFY.slice(0, 2), 'zz', ...NOTIFY.slice(3)]],
  ['a branch node that is too long', [...NOTIFY.slice(0, 4), ['5c'.repeat(33)], ...NOTIFY.slice(5)]],
  ['a version that is no hex', [...NOTIFY.slice(0, 5), '2000000z', ...NOTIFY.slice(6)]]
])('takes no job from %s', (_name, params) => {
  expect(parseNotify(params)).toBeNull()
})
