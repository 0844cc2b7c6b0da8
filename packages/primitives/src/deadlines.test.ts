import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SteadyMs, steadyMs } from './brand.ts'
import { Deadlines } from './deadlines.ts'
import { InvariantError } from './invariant.ts'

/** The naive twin: a list in the order of setting, sorted when asked (sorting is stable). */
class ListDeadlines {
  list: { key: number; atMs: SteadyMs }[] = []

  set(key: number, atMs: SteadyMs): void {
    this.delete(key)
    this.list.push({ key, atMs })
  }

  delete(key: number): boolean {
    const before = this.list.length
    this.list = this.list.filter(deadline => deadline.key !== key)
    return this.list.length < before
  }

  sorted(): { key: number; atMs: SteadyMs }[] {
    return [...this.list].sort((a, b) => a.atMs - b.atMs)
  }

  popDue(nowMs: SteadyMs): number[] {
    const due = this.sorted().filter(deadline => deadline.atMs <= nowMs)
    for (const { key } of due) this.delete(key)
    return due.map(({ key }) => key)
  }
}

const times = fc.nat(30).map(steadyMs)
const keys = fc.nat(40)
const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key: keys, atMs: times }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key: keys }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('popDue' as const), nowMs: times }) }
  ),
  { maxLength: 150, size: 'max' }
)

describe('Deadlines', () => {
  it('does what a sorted list does', () => {
    fc.assert(
      fc.property(commands, all => {
        const deadlines = new Deadlines<number>()
        const twin = new ListDeadlines()
        for (const command of all) {
          if (command.do === 'set') {
            deadlines.set(command.key, command.atMs)
            twin.set(command.key, command.atMs)
            expect(deadlines.get(command.key)).toBe(command.atMs)
          } else if (command.do === 'delete') {
            expect(deadlines.delete(command.key)).toBe(twin.delete(command.key))
            expect(deadlines.get(command.key)).toBe(null)
          } else {
            expect(deadlines.popDue(command.nowMs)).toEqual(twin.popDue(command.nowMs))
          }
          deadlines.checkInvariants()
          expect(deadlines.size).toBe(twin.list.length)
          expect(deadlines.peek()).toEqual(twin.sorted()[0] ?? null)
        }
        expect(deadlines.popDue(steadyMs(1000))).toEqual(twin.popDue(steadyMs(1000)))
        expect(deadlines.peek()).toBe(null)
      }),
      { numRuns: 200 }
    )
  })

  it('is due at its time and not before', () => {
    const deadlines = new Deadlines<string>()
    deadlines.set('a', steadyMs(10))
    expect(deadlines.popDue(steadyMs(9))).toEqual([])
    expect(deadlines.popDue(steadyMs(10))).toEqual(['a'])
    expect(deadlines.size).toBe(0)
  })

  it('of the same time come in the order in which they were set, and setting again goes to the back', () => {
    const deadlines = new Deadlines<string>()
    for (const key of ['a', 'b', 'c', 'd']) deadlines.set(key, steadyMs(5))
    deadlines.set('a', steadyMs(5))
    expect(deadlines.popDue(steadyMs(5))).toEqual(['b', 'c', 'd', 'a'])
  })

  it('are all forgotten by clear', () => {
    const deadlines = new Deadlines<string>()
    deadlines.set('a', steadyMs(1))
    deadlines.clear()
    expect([deadlines.peek(), deadlines.size, deadlines.has('a')]).toEqual([null, 0, false])
    deadlines.set('a', steadyMs(2))
    expect(deadlines.peek()).toEqual({ key: 'a', atMs: 2 })
  })

  it('at no time is our bug', () => {
    expect(() => new Deadlines<string>().set('a', Number.NaN as SteadyMs)).toThrow(InvariantError)
  })
})
