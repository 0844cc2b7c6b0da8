import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedMap } from './bounded-map.ts'
import { InvariantError } from './invariant.ts'

/** The naive twin: a list, oldest first. */
class ListMap {
  readonly cap: number
  list: [number, number][] = []

  constructor(cap: number) {
    this.cap = cap
  }

  set(key: number, value: number): [number, number] | null {
    const known = this.list.find(([k]) => k === key)
    if (known !== undefined) {
      known[1] = value
      return null
    }
    const dropped = this.list.length === this.cap ? (this.list.shift() ?? null) : null
    this.list.push([key, value])
    return dropped
  }

  delete(key: number): boolean {
    const before = this.list.length
    this.list = this.list.filter(([k]) => k !== key)
    return this.list.length < before
  }
}

const keys = fc.nat(12)
const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key: keys, value: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key: keys }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) }
  ),
  { maxLength: 80 }
)

describe('BoundedMap', () => {
  it('does what a plain list does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), commands, (cap, all) => {
        const map = new BoundedMap<number, number>(cap)
        const twin = new ListMap(cap)
        for (const command of all) {
          if (command.do === 'set') {
            const dropped = map.set(command.key, command.value)
            const twinDropped = twin.set(command.key, command.value)
            expect(dropped === null ? null : [dropped.key, dropped.value]).toEqual(twinDropped)
          } else if (command.do === 'delete') {
            expect(map.delete(command.key)).toBe(twin.delete(command.key))
          } else {
            map.clear()
            twin.list = []
          }
          map.checkInvariants()
          expect([...map.entries()]).toEqual(twin.list)
          expect(map.size).toBe(twin.list.length)
          for (let key = 0; key <= 12; key++) {
            const known = twin.list.find(([k]) => k === key)
            expect(map.has(key)).toBe(known !== undefined)
            expect(map.get(key)).toBe(known?.[1])
          }
        }
        expect([...map.keys()]).toEqual(twin.list.map(([key]) => key))
        expect([...map.values()]).toEqual(twin.list.map(([, value]) => value))
      }),
      { numRuns: 300 }
    )
  })

  it('drops the oldest, which reading or setting again does not make younger', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.get('a')
    expect(map.set('a', 3)).toBe(null)
    expect(map.set('c', 4)).toEqual({ key: 'a', value: 3 })
    expect([...map.entries()]).toEqual([
      ['b', 2],
      ['c', 4]
    ])
  })

  it('may lose entries while it is walked', () => {
    const map = new BoundedMap<number, string>(5)
    for (let key = 0; key < 5; key++) map.set(key, `v${key}`)
    const seen: number[] = []
    for (const [key] of map.entries()) {
      seen.push(key)
      map.delete(key)
      map.delete(key + 1)
    }
    expect(seen).toEqual([0, 2, 4])
    expect(map.size).toBe(0)
  })

  it('holds the value undefined as a value', () => {
    const map = new BoundedMap<string, undefined>(1)
    map.set('a', undefined)
    expect(map.has('a')).toBe(true)
    expect(map.set('b', undefined)).toEqual({ key: 'a', value: undefined })
  })

  it('needs a positive integer as its cap', () => {
    for (const cap of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new BoundedMap(cap), `${cap}`).toThrow(InvariantError)
    }
  })
})
