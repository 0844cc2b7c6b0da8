import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Outbox } from './outbox.ts'

const speakers = (count: number, said: number[]) =>
  Array.from({ length: count }, (_, number) => ({ flush: () => void said.push(number) }))

it('lets all speak at the end of a turn, once, in the order in which they had something to say', async () => {
  const said: number[] = []
  const outbox = new Outbox()
  for (const speaker of speakers(5, said)) outbox.add(speaker)
  expect(said).toEqual([])
  await turn()
  expect(said).toEqual([0, 1, 2, 3, 4])
  await turn()
  expect(said).toHaveLength(5)
})

it('lets so many wait and no more', () => {
  const said: number[] = []
  const outbox = new Outbox()
  for (const speaker of speakers(300, said)) outbox.add(speaker)
  expect(said).toEqual(Array.from({ length: 256 }, (_, number) => number))
})

it('who has more to say while the others speak has his turn in the next', async () => {
  const said: string[] = []
  const outbox = new Outbox()
  const second = { flush: () => void said.push('second') }
  outbox.add({
    flush: () => {
      said.push('first')
      outbox.add(second)
    }
  })
  await turn()
  await turn()
  expect(said).toEqual(['first', 'second'])
})
