import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_OPEN_SIBLINGS, MAX_PARENTS, SiblingGate } from './sibling-gate.ts'

const nothing = { goes: null, superseded: [] }

describe('SiblingGate', () => {
  it('lets the first go, keeps the newest, and gives up what it displaces', () => {
    const gate = new SiblingGate<string>()
    expect(gate.offer('p', 'a', 'a')).toEqual({ goes: 'a', superseded: [] })
    expect(gate.offer('p', 'b', 'b')).toEqual(nothing)
    expect(gate.offer('p', 'c', 'c')).toEqual({ goes: null, superseded: ['b'] })
  })

  it('lets the kept one go at a refusal', () => {
    const gate = new SiblingGate<string>()
    gate.offer('p', 'a', 'a')
    gate.offer('p', 'b', 'b')
    expect(gate.heard('p', 'final')).toEqual({ goes: 'b', superseded: [] })
    expect(gate.offer('p', 'c', 'c')).toEqual(nothing)
    expect(gate.heard('p', 'final')).toEqual({ goes: 'c', superseded: [] })
    expect(gate.heard('p', 'final')).toEqual(nothing)
    expect(gate.offer('p', 'd', 'd')).toEqual({ goes: 'd', superseded: [] })
  })

  it('gives up the kept one and all later ones once one was taken', () => {
    const gate = new SiblingGate<string>()
    gate.offer('p', 'a', 'a')
    gate.offer('p', 'b', 'b')
    expect(gate.taken('p', 'a')).toEqual({ goes: null, superseded: ['b'] })
    expect(gate.taken('p', 'a')).toEqual(nothing)
    expect(gate.offer('p', 'c', 'c')).toEqual({ goes: null, superseded: ['c'] })
  })

  it('lets the one that was taken go again', () => {
    const gate = new SiblingGate<string>()
    gate.offer('p', 'a', 'a')
    gate.taken('p', 'a')
    expect(gate.offer('p', 'a', 'a again')).toEqual({ goes: 'a again', superseded: [] })
  })

  it('lets one from before go whatever there is, and holds others up for it', () => {
    const gate = new SiblingGate<string>()
    gate.offer('p', 'a', 'a')
    expect(gate.again('p', 'b')).toEqual({ goes: 'b', superseded: [] })
    gate.taken('p', 'a')
    expect(gate.again('p', 'b')).toEqual({ goes: 'b', superseded: [] })
    expect(gate.again('q', 'c')).toEqual({ goes: 'c', superseded: [] })
    expect(gate.offer('q', 'd', 'd')).toEqual(nothing)
    expect(gate.heard('q', 'final')).toEqual({ goes: 'd', superseded: [] })
  })

  it('lets the next go when a node builds on the parent of one that was taken', () => {
    const gate = new SiblingGate<string>()
    gate.released('p')
    gate.offer('p', 'a', 'a')
    gate.taken('p', 'a')
    gate.released('q')
    expect(gate.offer('p', 'b', 'b')).toEqual({ goes: null, superseded: ['b'] })
    gate.released('p')
    expect(gate.offer('p', 'c', 'c')).toEqual({ goes: 'c', superseded: [] })
    expect(gate.offer('p', 'd', 'd')).toEqual(nothing)
  })

  it('holds the next back while so many are left open, until one of these has its end', () => {
    const gate = new SiblingGate<string>()
    gate.offer('p', 'a', 'a')
    for (let n = 1; n <= MAX_OPEN_SIBLINGS; n++) {
      expect(gate.offer('p', `${n}`, `${n}`)).toEqual(nothing)
      expect(gate.heard('p', 'open')).toEqual({ goes: n < MAX_OPEN_SIBLINGS ? `${n}` : null, superseded: [] })
    }
    expect(gate.offer('p', 'b', 'b')).toEqual({ goes: null, superseded: [`${MAX_OPEN_SIBLINGS}`] })
    expect(gate.closed('p')).toEqual({ goes: 'b', superseded: [] })
    expect(gate.offer('p', 'c', 'c')).toEqual(nothing)
    expect(gate.closed('p')).toEqual(nothing)
    expect(gate.heard('p', 'final')).toEqual({ goes: 'c', superseded: [] })
  })

  it('forgets no parent of which one is left open', () => {
    const gate = new SiblingGate<string>()
    for (let n = 0; n < MAX_OPEN_SIBLINGS; n++) {
      gate.offer('open', `${n}`, 'a')
      gate.heard('open', 'open')
    }
    for (let i = 0; i < MAX_PARENTS; i++) {
      gate.offer(`p${i}`, 'x', 'x')
      gate.taken(`p${i}`, 'x')
    }
    expect(gate.offer('open', 'b', 'b')).toEqual(nothing)
  })

  it('one parent does not hold up another', () => {
    const gate = new SiblingGate<string>()
    gate.offer('p', 'a', 'a')
    gate.taken('p', 'a')
    expect(gate.offer('q', 'b', 'b')).toEqual({ goes: 'b', superseded: [] })
  })

  it('forgets old parents, but never one whose block has no word yet', () => {
    const gate = new SiblingGate<string>()
    gate.offer('waiting', 'a', 'a')
    gate.offer('waiting', 'b', 'b')
    gate.offer('done', 'c', 'c')
    gate.taken('done', 'c')
    for (let i = 0; i < MAX_PARENTS; i++) {
      gate.offer(`p${i}`, 'x', 'x')
      gate.taken(`p${i}`, 'x')
    }
    expect(gate.offer('done', 'd', 'd')).toEqual({ goes: 'd', superseded: [] })
    expect(gate.heard('waiting', 'final')).toEqual({ goes: 'b', superseded: [] })
  })

  it('remembers so many parents, and forgets the oldest for one more', () => {
    const gate = new SiblingGate<string>()
    for (let i = 0; i < MAX_PARENTS; i++) {
      gate.offer(`p${i}`, 'x', 'x')
      gate.taken(`p${i}`, 'x')
    }
    expect(gate.offer('p0', 'y', 'y')).toEqual({ goes: null, superseded: ['y'] })
    gate.offer('one more', 'x', 'x')
    expect(gate.offer('p1', 'y', 'y')).toEqual({ goes: null, superseded: ['y'] })
    expect(gate.offer('p0', 'y', 'y')).toEqual({ goes: 'y', superseded: [] })
  })

  it('never loses one: each goes, waits, or is told that it will not', () => {
    const step = fc.record({ parent: fc.nat({ max: 3 }), what: fc.constantFrom('offer', 'offer', 'heard', 'taken') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const gate = new SiblingGate<number>()
        const waiting = new Map<string, number>()
        const ended = new Set<number>()
        for (const [n, { parent: number, what }] of steps.entries()) {
          const parent = String(number)
          const { goes, superseded } =
            what === 'offer'
              ? gate.offer(parent, String(n), n)
              : what === 'heard'
                ? gate.heard(parent, 'final')
                : gate.taken(parent, 'taken')
          for (const one of goes === null ? superseded : [goes, ...superseded]) {
            expect(ended.has(one)).toBe(false)
            ended.add(one)
            if (waiting.get(parent) === one) waiting.delete(parent)
          }
          if (what === 'offer' && !ended.has(n)) {
            expect(waiting.has(parent)).toBe(false)
            waiting.set(parent, n)
          }
          if (what !== 'offer') expect(waiting.has(parent)).toBe(false)
        }
      })
    )
  })
})
