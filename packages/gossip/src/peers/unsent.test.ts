import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsentBytes } from './unsent.ts'

const MIB = 1_048_576

describe('bytes on their way to peers', () => {
  it('have a bound for each peer, and one thing of any size always has room', () => {
    const unsent = new UnsentBytes({ perPeer: 100, inAll: 10_000 })
    expect(unsent.hasRoom('ann', 5_000)).toBe(true)
    unsent.add(1, 'ann', 60)
    expect([unsent.hasRoom('ann', 40), unsent.hasRoom('ann', 41), unsent.hasRoom('ann', 30, 11)]).toEqual([
      true,
      false,
      false
    ])
    unsent.left(1)
    expect(unsent.hasRoom('ann', 5_000)).toBe(true)
    expect(unsent.hasRoom('ann', 101, 1)).toBe(false)
  })

  it('of one who reads nothing leave others nearly all they had', () => {
    const unsent = new UnsentBytes({ perPeer: 8 * MIB, inAll: 64 * MIB })
    let id = 0
    const fill = (peer: string) => {
      while (unsent.hasRoom(peer, 100_000)) unsent.add(++id, peer, 100_000)
      return unsent.of(peer)
    }
    expect(fill('ann')).toBeGreaterThan(7.8 * MIB)
    expect(fill('bob')).toBeGreaterThan(7.8 * MIB)
  })

  it('of a whole house of peers that read nothing stay within the bound and leave the next one its part', () => {
    const unsent = new UnsentBytes({ perPeer: 8 * MIB, inAll: 64 * MIB })
    let id = 0
    for (let round = 0; round < 100; round++) {
      for (let n = 0; n < 127; n++) if (unsent.hasRoom(`peer ${n}`, 100_000)) unsent.add(++id, `peer ${n}`, 100_000)
    }
    expect(unsent.total).toBeLessThan(64 * MIB)
    unsent.add(++id, 'ann', 100_000)
    expect(unsent.hasRoom('ann', 200_000)).toBe(true)
  })

  it('are counted whatever is added, leaves, or leaves twice', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'left', 'gone'),
      peer: fc.constantFrom('ann', 'bob', 'cid'),
      number: fc.nat(1_000)
    })
    fc.assert(
      fc.property(fc.array(step), steps => {
        const unsent = new UnsentBytes({ perPeer: 1_000, inAll: 2_000 })
        const held = new Map<number, { peer: string; bytes: number }>()
        steps.forEach(({ what, peer, number }, id) => {
          if (what === 'add') {
            if (unsent.hasRoom(peer, number)) {
              unsent.add(id, peer, number)
              held.set(id, { peer, bytes: number })
            }
          } else if (what === 'left') {
            unsent.left(number % (id + 1))
            held.delete(number % (id + 1))
          } else {
            unsent.peerGone(peer)
            for (const [key, item] of held) if (item.peer === peer) held.delete(key)
          }
          unsent.checkInvariants()
        })
        for (const peer of ['ann', 'bob', 'cid']) {
          const own = [...held.values()].filter(item => item.peer === peer)
          expect(unsent.of(peer)).toBe(own.reduce((sum, { bytes }) => sum + bytes, 0))
          expect(unsent.count(peer)).toBe(own.length)
        }
      })
    )
  })
})
