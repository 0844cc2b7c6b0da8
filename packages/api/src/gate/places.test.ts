import { expect, it } from 'vitest'
import { Places } from './places.ts'

function taken(cap: number, holders: readonly (readonly [number, string])[]): Places<number> {
  const places = new Places<number>(cap)
  for (const [holder, host] of holders) places.take(holder, host)
  places.checkInvariants()
  return places
}

it('one host may have all places while nobody else wants one', () => {
  const places = taken(3, [
    [1, 'a'],
    [2, 'a']
  ])
  expect(places.room('a')).toBe('free')
  places.take(3, 'a')
  expect(places.room('a')).toBe('full')
  expect(places.room('b')).toEqual({ inTheWay: 1 })
  places.leave(1, 'a')
  expect(places.room('a')).toBe('free')
})

it('who has fewer keeps them, and nobody is put out for an equal', () => {
  const places = taken(4, [
    [1, 'b'],
    [2, 'a'],
    [3, 'a'],
    [4, 'c']
  ])
  expect(places.room('c')).toEqual({ inTheWay: 2 })
  places.leave(2, 'a')
  places.take(5, 'c')
  expect(places.room('c')).toBe('full')
  expect(places.room('d')).toEqual({ inTheWay: 4 })
})

it('all addresses of an IPv6 host are one', () => {
  const places = taken(2, [
    [1, '2001:db8::1'],
    [2, '2001:db8::2']
  ])
  expect(places.room('2001:db8::3')).toBe('full')
  expect(places.room('::ffff:192.0.2.1')).toEqual({ inTheWay: 1 })
  places.leave(1, '2001:db8::1')
  places.leave(1, '2001:db8::1')
  places.checkInvariants()
  expect(places.size).toBe(1)
})
