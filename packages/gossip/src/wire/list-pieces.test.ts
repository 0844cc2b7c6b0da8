import { bytesToHex, concatBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { listOf, piecesOf } from './list-pieces.ts'
import { encodeTemplateMessage, MAX_LIST_PIECES, MAX_TEMPLATE_TRANSACTIONS } from './template-messages.ts'

const NONE = new Uint8Array(0)
const hash = (number: number) => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}
const list = (numbers: readonly number[]) => concatBytes(...numbers.map(hash))
const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })

it('a list comes back from its pieces over any base', () => {
  fc.assert(
    fc.property(numbers, numbers, (wanted, base) => {
      const pieces = piecesOf(list(wanted), list(base))
      expect(bytesToHex(listOf(pieces, list(base)) ?? NONE)).toBe(bytesToHex(list(wanted)))
    })
  )
})

it('a list that hardly changed costs hardly any bytes', () => {
  const before = Array.from({ length: 3_000 }, (_, i) => i)
  const after = [...before.slice(0, 10), 90_001, ...before.slice(10, 1_500), ...before.slice(1_501), 90_002]
  const pieces = piecesOf(list(after), list(before))
  const message = { type: 'templateList', branchKey: hash(1), baseId: hash(2), pieces } as const
  expect(encodeTemplateMessage(message).length).toBeLessThan(250)
  expect(listOf(pieces, list(before))).toEqual(list(after))
})

it('a list that has nothing in order is sent whole', () => {
  const before = Array.from({ length: 2 * MAX_LIST_PIECES + 10 }, (_, i) => i)
  expect(piecesOf(list([...before].reverse()), list(before))).toHaveLength(1)
})

it('pieces beyond the base, or longer than any template, are no list', () => {
  expect(listOf([{ copyFrom: 1, copyCount: 2, fresh: NONE }], list([1, 2]))).toBeNull()
  const base = list(Array.from({ length: 100 }, (_, i) => i))
  const piece = { copyFrom: 0, copyCount: 100, fresh: NONE }
  const most = Math.floor(MAX_TEMPLATE_TRANSACTIONS / 100)
  expect(
    listOf(
      Array.from({ length: most }, () => piece),
      base
    )
  ).toHaveLength(most * 3_200)
  expect(
    listOf(
      Array.from({ length: most + 1 }, () => piece),
      base
    )
  ).toBeNull()
})
