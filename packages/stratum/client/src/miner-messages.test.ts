import { bytesToHex } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { parseSubscription, submitParams } from './miner-messages.ts'

const SUBSCRIPTIONS = [
  ['mining.notify', '0a000001'],
  ['mining.set_difficulty', '0a000001']
]

it('reads what a subscription gives to search', () => {
  const subscription = parseSubscription([SUBSCRIPTIONS, '0A000001', 8])
  expect(subscription?.extranonce2Bytes).toBe(8)
  expect(bytesToHex(subscription?.extranonce1 ?? new Uint8Array())).toBe('0a000001')
})

it.each([
  ['no array', true],
  ['no extranonce', [SUBSCRIPTIONS]],
  ['half a byte', [SUBSCRIPTIONS, '0a0', 8]],
  ['no hex', [SUBSCRIPTIONS, '0z', 8]],
  ['a size that is text', [SUBSCRIPTIONS, '0a000001', '8']],
  ['no room for the miner', [SUBSCRIPTIONS, '0a000001', 0]],
  ['more than a coinbase holds', [SUBSCRIPTIONS, '0a'.repeat(101), 8]]
])('takes no subscription from %s', (_name, result) => {
  expect(parseSubscription(result)).toBeNull()
})

// stratum §2.19, V1: origin: the submit as a miner of another make sends it.
it('writes a submit with every number at its full length', () => {
  const find = {
    jobId: '68a0000000000001',
    extranonce2: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1),
    timeHex: '68a00000',
    nonce: 0x4f14e1
  }
  expect(submitParams('bc1qexampleaddr.w', find)).toEqual([
    'bc1qexampleaddr.w',
    '68a0000000000001',
    '0000000000000001',
    '68a00000',
    '004f14e1'
  ])
})
