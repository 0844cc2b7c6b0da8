import { shareHash, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { Agreement } from './agreement.ts'

const tip = (byte: string) => shareHash(byte.repeat(32))

it('agrees when the last node has come over, and remembers until when they did', () => {
  const agreement = new Agreement()
  for (const node of [1, 2, 3]) agreement.moved(node, tip('aa'), unixMs(10))
  expect(agreement.agreed).toBe(true)
  agreement.moved(1, tip('bb'), 20)
  expect([agreement.agreed, agreement.tips, agreement.lastAgreedAtMs]).toEqual([false, 2, 20])
  agreement.moved(2, tip('bb'), 30)
  expect(agreement.agreed).toBe(false)
  agreement.moved(3, null, 40)
  expect([agreement.agreed, agreement.nodes, agreement.lastAgreedAtMs]).toEqual([true, 2, 40])
})
