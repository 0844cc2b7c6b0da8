import { setImmediate as turn } from 'node:timers/promises'
import { bytesToHex } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { GatheredWrites } from './gathered-writes.ts'

const DATA = 0
const GO_AWAY = 3

/** A frame of a kind, told apart by its last byte. */
function frame(kind: number, mark: number, bytes = 12): Uint8Array {
  const data = new Uint8Array(bytes)
  data[1] = kind
  data[bytes - 1] = mark
  return data
}

function recorded(send: (data: Uint8Array) => boolean = () => true) {
  const sent: string[] = []
  const failures: string[] = []
  const clock = { nowMs: 0 }
  const writes = new GatheredWrites(
    data => {
      sent.push(bytesToHex(data.subarray()))
      return send(data.subarray())
    },
    error => failures.push(error.message),
    () => clock.nowMs
  )
  return { writes, sent, failures, clock }
}

const hex = (...frames: readonly Uint8Array[]): string => frames.map(data => bytesToHex(data)).join('')

it('what is written in one turn, promises and all, leaves as one and in order', async () => {
  const { writes, sent } = recorded()
  const [a, b, c, d] = [1, 2, 3, 4].map(mark => frame(DATA, mark)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  writes.write(a)
  void Promise.resolve()
    .then(() => writes.write(b))
    .then(() => Promise.resolve())
    .then(() => writes.write(c))
  expect(sent).toEqual([])
  await turn()
  expect(sent).toEqual([hex(a, b, c)])
  writes.write(d)
  await turn()
  expect(sent).toEqual([hex(a, b, c), hex(d)])
})

it('what is large leaves at once, behind what was written before, and says whether there is room', async () => {
  const { writes, sent } = recorded(data => data.length < 100_000)
  const [small, half, large] = [frame(DATA, 1), frame(DATA, 2, 40_000), frame(DATA, 3, 100_000)]
  expect(writes.write(small)).toBe(true)
  expect(writes.write(half)).toBe(true)
  expect(writes.write(half)).toBe(true)
  expect(sent).toEqual([hex(small, half)])
  expect(writes.write(large)).toBe(false)
  expect(sent).toEqual([hex(small, half), hex(half), hex(large)])
  await turn()
  expect(sent).toHaveLength(3)
})

it('nothing waits longer than a few milliseconds once more is written', () => {
  const { writes, sent, clock } = recorded()
  const [a, b] = [frame(DATA, 1), frame(DATA, 2)]
  writes.write(a)
  clock.nowMs += 4
  writes.write(a)
  expect(sent).toEqual([])
  clock.nowMs += 1
  writes.write(b)
  expect(sent).toEqual([hex(a, a, b)])
})

it('the last word of a connection does not wait for the end of the turn', () => {
  const { writes, sent } = recorded()
  writes.write(frame(DATA, 1))
  writes.write(frame(GO_AWAY, 2))
  expect(sent).toEqual([hex(frame(DATA, 1), frame(GO_AWAY, 2))])
})

it('a connection that fails when the turn ends is told of it, and nothing is thrown where nobody catches', async () => {
  const { writes, failures } = recorded(() => {
    throw new Error('it is closed')
  })
  writes.write(frame(DATA, 1))
  await turn()
  expect(failures).toEqual(['it is closed'])
})
