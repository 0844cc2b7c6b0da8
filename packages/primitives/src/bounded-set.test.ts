import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedSet } from './bounded-set.ts'
import { InvariantError } from './invariant.ts'

const commands = fc.array(
  fc.record({ do: fc.constantFrom('add' as const, 'add' as const, 'delete' as const), value: fc.nat(12) }),
  { maxLength: 80 }
)

describe('BoundedSet', () => {
  it('does what a plain list does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), commands, (cap, all) => {
        const set = new BoundedSet<number>(cap)
        let twin: number[] = []
        for (const command of all) {
          const known = twin.includes(command.value)
          if (command.do === 'add') {
            expect(set.add(command.value)).toBe(!known)
            if (!known) twin = [...twin, command.value].slice(-cap)
          } else {
            expect(set.delete(command.value)).toBe(known)
            twin = twin.filter(value => value !== command.value)
          }
          set.checkInvariants()
          expect([...set.values()]).toEqual(twin)
          expect(set.size).toBe(twin.length)
          for (let value = 0; value <= 12; value++) expect(set.has(value)).toBe(twin.includes(value))
        }
        set.clear()
        expect([...set.values()]).toEqual([])
      }),
      { numRuns: 300 }
    )
  })

  it('forgets the oldest at its cap, which adding again does not make younger', () => {
    const set = new BoundedSet<string>(2)
    set.add('a')
    set.add('b')
    expect(set.add('a')).toBe(false)
    expect(set.add('c')).toBe(true)
    expect([...set.values()]).toEqual(['b', 'c'])
    expect(set.cap).toBe(2)
  })

  it('needs a positive integer as its cap', () => {
    expect(() => new BoundedSet(0)).toThrow(InvariantError)
  })
})
