import type { ShareHash } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ShareOrigin } from '../contract.ts'
import { hashOf } from '../testing/deltas.ts'
import type { KeptShare } from './kept-share.ts'
import { OrphanPool } from './orphan-pool.ts'

const LIMITS = { maxShares: 12, maxSharesPerPeer: 5, maxBytes: 100 }

/** The pool never reads a share. */
function shareNamed(hash: ShareHash, origin: ShareOrigin, sizeBytes = 1): KeptShare {
  return { hash, prevHash: hashOf(0), origin, sizeBytes, share: () => expect.unreachable() }
}

const arbitraryOrigin = fc.constantFrom<ShareOrigin[]>('own', 'peer', { peer: 'a' }, { peer: 'b' }, { peer: 'own' })
const arbitraryHash = fc.nat(30).map(hashOf)

type Command =
  | { type: 'add'; hash: ShareHash; origin: ShareOrigin; missing: ShareHash[]; sizeBytes: number }
  | { type: 'arrived' | 'drop'; hash: ShareHash }

const arbitraryCommand: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('add' as const),
      hash: arbitraryHash,
      origin: arbitraryOrigin,
      missing: fc.uniqueArray(arbitraryHash, { minLength: 1, maxLength: 4 }),
      sizeBytes: fc.oneof(fc.nat(10), fc.nat(120))
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('arrived' as const, 'drop' as const), hash: arbitraryHash })
  }
)

interface Waiting {
  hash: ShareHash
  peer: string
  missing: ShareHash[]
  sizeBytes: number
}

/** The same rules over one plain list. */
class NaivePool {
  waiting: Waiting[] = []

  add(command: Command & { type: 'add' }): void {
    if (this.waiting.some(each => each.hash === command.hash) || command.sizeBytes > LIMITS.maxBytes) return
    const peer = typeof command.origin === 'string' ? command.origin : `named ${command.origin.peer}`
    if (this.#of(peer).length >= LIMITS.maxSharesPerPeer) this.#drop(this.#of(peer)[0])
    while (this.waiting.length >= LIMITS.maxShares || this.bytes + command.sizeBytes > LIMITS.maxBytes) {
      // The peer that is first among the fullest: it has waited longest for its first share.
      const peers = [...new Set(this.waiting.map(each => each.peer))]
      const most = Math.max(...peers.map(each => this.#of(each).length))
      this.#drop(this.#of(this.seen.find(each => this.#of(each).length === most) ?? '')[0])
    }
    this.waiting.push({ hash: command.hash, peer, missing: command.missing, sizeBytes: command.sizeBytes })
  }

  /** Peers with something in the pool, in the order in which they last began to have something. */
  seen: string[] = []

  get bytes(): number {
    return this.waiting.reduce((sum, each) => sum + each.sizeBytes, 0)
  }

  arrived(hash: ShareHash): ShareHash[] {
    for (const each of this.waiting) each.missing = each.missing.filter(missing => missing !== hash)
    const released = this.waiting.filter(each => each.missing.length === 0)
    this.waiting = this.waiting.filter(each => each.missing.length > 0)
    return released.map(each => each.hash)
  }

  drop(hash: ShareHash): void {
    const lost = this.waiting.filter(each => each.missing.includes(hash))
    this.waiting = this.waiting.filter(each => !each.missing.includes(hash))
    for (const each of lost) this.drop(each.hash)
  }

  noteOrder(): void {
    this.seen = this.seen.filter(peer => this.#of(peer).length > 0)
    for (const { peer } of this.waiting) if (!this.seen.includes(peer)) this.seen.push(peer)
  }

  #of(peer: string): Waiting[] {
    return this.waiting.filter(each => each.peer === peer)
  }

  #drop(gone: Waiting | undefined): void {
    this.waiting = this.waiting.filter(each => each !== gone)
    this.noteOrder()
  }
}

it('the pool does what a plain list would do', () => {
  fc.assert(
    fc.property(fc.array(arbitraryCommand, { maxLength: 80 }), commands => {
      const pool = new OrphanPool(LIMITS)
      const naive = new NaivePool()
      for (const command of commands) {
        if (command.type === 'add') {
          pool.add(shareNamed(command.hash, command.origin, command.sizeBytes), command.missing)
          naive.add(command)
        } else if (command.type === 'arrived') {
          const released = pool.arrived(command.hash).map(each => each.hash)
          expect(new Set(released)).toEqual(new Set(naive.arrived(command.hash)))
        } else {
          pool.dropWaitingFor(command.hash)
          naive.drop(command.hash)
        }
        naive.noteOrder()
        pool.checkInvariants()
        expect(pool.size).toBe(naive.waiting.length)
        expect(pool.bytes).toBe(naive.bytes)
        for (const { hash } of naive.waiting) expect(pool.has(hash)).toBe(true)
      }
    })
  )
})

it('a flood from one peer costs nobody else a place', () => {
  const pool = new OrphanPool(LIMITS)
  pool.add(shareNamed(hashOf(1), { peer: 'honest' }), [hashOf(100)])
  for (let n = 2; n < 50; n++) {
    pool.add(shareNamed(hashOf(n), { peer: 'flood' }), [hashOf(101)])
  }
  expect(pool.has(hashOf(1))).toBe(true)
  expect(pool.size).toBe(1 + LIMITS.maxSharesPerPeer)
  expect(pool.has(hashOf(49))).toBe(true)
})

it('a share is released once everything it misses is here, in order of arrival', () => {
  const pool = new OrphanPool()
  const [first, second] = [shareNamed(hashOf(1), 'peer'), shareNamed(hashOf(2), 'own')]
  pool.add(first, [hashOf(10), hashOf(11)])
  pool.add(second, [hashOf(11)])
  expect(pool.arrived(hashOf(10))).toEqual([])
  expect(pool.arrived(hashOf(11))).toEqual([first, second])
  expect(pool.size).toBe(0)
})
