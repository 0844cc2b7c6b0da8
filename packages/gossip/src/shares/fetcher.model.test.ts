import { invariant, type SteadyMs, shareHash, steadyMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NaiveFetcher } from '../testing/naive-fetcher.ts'
import { ShareFetcher } from './fetcher.ts'
import type { FetchOrder } from './sources.ts'

// Small, so that random commands reach every cap.
const LIMITS = { inFlightPerPeer: 3, wanted: 6, ahead: 4, missing: 4, missingPerPeer: 2, held: 3 }
const HASHES = Array.from({ length: 9 }, (_, i) => shareHash((i + 1).toString(16).padStart(64, '0')))
const PEERS = ['ann', 'bob', 'cid', 'dee']

type Command =
  | { readonly type: 'addSource' | 'removeSource'; readonly peer: number }
  | { readonly type: 'setWanted'; readonly hashes: readonly number[]; readonly preferred: number }
  | { readonly type: 'wantMissing'; readonly hash: number; readonly peer: number }
  | { readonly type: 'next'; readonly most: number }
  | { readonly type: 'answer'; readonly which: number; readonly result: 'brought' | 'absent' | 'silent' | 'bad' }
  | { readonly type: 'arrived'; readonly hash: number; readonly state: 'done' | 'waiting' }
  | { readonly type: 'pass'; readonly ms: number }

const hash = fc.nat(HASHES.length - 1)
const peer = fc.nat(PEERS.length - 1)
const kind = <T extends Command['type']>(type: T) => fc.constant(type)
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: kind('addSource'), peer }) },
  { weight: 1, arbitrary: fc.record({ type: kind('removeSource'), peer }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: kind('setWanted'),
      hashes: fc.uniqueArray(hash),
      preferred: fc.integer({ min: 0, max: PEERS.length })
    })
  },
  { weight: 3, arbitrary: fc.record({ type: kind('wantMissing'), hash, peer }) },
  { weight: 6, arbitrary: fc.record({ type: kind('next'), most: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: kind('answer'),
      which: fc.nat(),
      result: fc.constantFrom('brought' as const, 'absent' as const, 'silent' as const, 'bad' as const)
    })
  },
  { weight: 2, arbitrary: fc.record({ type: kind('arrived'), hash, state: fc.constantFrom('done', 'waiting') }) },
  { weight: 4, arbitrary: fc.record({ type: kind('pass'), ms: fc.constantFrom(1, 900, 2_500, 7_000, 31_000, 70_000) }) }
)

/** Both fetchers, driven alike, and the requests that are under way. */
class Pair {
  readonly real = new ShareFetcher(LIMITS)
  readonly naive = new NaiveFetcher(LIMITS)
  #underWay: FetchOrder[] = []
  #nowMs: SteadyMs = steadyMs(1_000_000)
  /** When the real one last had nothing to ask, and what it said about when it would. */
  #quiet: { readonly nextMs: number | null } | null = null

  run(step: Command): void {
    const now = this.#nowMs
    if (step.type !== 'next' && step.type !== 'pass') this.#quiet = null
    switch (step.type) {
      case 'addSource':
        this.#both(fetcher => fetcher.addSource(name(step.peer)))
        break
      case 'removeSource':
        this.#both(fetcher => fetcher.removeSource(name(step.peer)))
        this.#underWay = this.#underWay.filter(order => order.peer !== name(step.peer))
        break
      case 'setWanted': {
        const preferred = PEERS[step.preferred] ?? null
        this.#both(fetcher => fetcher.setWanted(step.hashes.map(id), preferred, now))
        break
      }
      case 'wantMissing':
        this.#both(fetcher => fetcher.wantMissing(id(step.hash), name(step.peer)))
        break
      case 'next':
        this.#ask(step.most)
        break
      case 'answer': {
        const order = this.#underWay[step.which % Math.max(1, this.#underWay.length)]
        if (order === undefined) break
        this.#underWay = this.#underWay.filter(other => other !== order)
        this.#both(fetcher => fetcher.answered(order, step.result, now))
        if (step.result === 'brought') this.#both(fetcher => fetcher.arrived(order.hash, 'done', now))
        break
      }
      case 'arrived':
        this.#both(fetcher => fetcher.arrived(id(step.hash), step.state, now))
        break
      case 'pass':
        this.#pass(step.ms)
        break
      default:
        step satisfies never
    }
    this.check()
  }

  check(): void {
    this.real.checkInvariants()
    expect(this.real.size).toBe(this.naive.wants.length)
    for (const peer of PEERS) expect(this.real.inFlight(peer), peer).toBe(this.naive.inFlight(peer))
  }

  #both(act: (fetcher: ShareFetcher | NaiveFetcher) => void): void {
    act(this.real)
    act(this.naive)
  }

  #ask(most: number): void {
    for (let i = 0; i < most; i++) {
      const order = this.real.next(this.#nowMs)
      expect(order).toEqual(this.naive.next(this.#nowMs))
      if (order === null) {
        this.#quiet = { nextMs: this.real.nextDeadlineMs }
        return
      }
      this.#quiet = null
      const isTwice = this.#underWay.some(other => other.hash === order.hash && other.peer === order.peer)
      expect(isTwice, 'no peer is asked twice at a time for one share').toBe(false)
      this.#underWay.push(order)
    }
  }

  /** Time alone makes nothing possible before the deadline that was named. */
  #pass(ms: number): void {
    const then = steadyMs(this.#nowMs + ms)
    const quiet = this.#quiet
    this.#nowMs = then
    if (quiet === null || (quiet.nextMs !== null && quiet.nextMs <= then)) return
    const order = this.real.next(then)
    expect(this.naive.next(then)).toBeNull()
    invariant(order === null, 'the fetcher has something to ask before it said')
  }
}

const id = (index: number) => HASHES[index] ?? HASHES[0] ?? shareHash('0'.repeat(64))
const name = (index: number) => PEERS[index] ?? 'ann'

it('asks the same of the same peers at the same times as the plain version of it', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120, size: 'max' }), commands => {
      const pair = new Pair()
      for (const step of commands) pair.run(step)
    }),
    { numRuns: 400 }
  )
})

it('never gives up a share the chain wants: with one honest peer that answers, all of them come', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80, size: 'max' }), commands => {
      const pair = new Pair()
      for (const step of commands) pair.run(step)
      const { real } = pair
      for (const peer of PEERS) real.removeSource(peer)
      real.addSource('ann')
      real.setWanted(HASHES.slice(0, LIMITS.wanted), null, steadyMs(50_000_000))
      let nowMs = steadyMs(50_000_000)
      for (let round = 0; round < 100 && real.size > 0; round++) {
        for (let order = real.next(nowMs); order !== null; order = real.next(nowMs)) {
          expect(order.peer).toBe('ann')
          real.answered(order, 'brought', nowMs)
          real.arrived(order.hash, 'done', nowMs)
        }
        nowMs = steadyMs(Math.max(nowMs, real.nextDeadlineMs ?? nowMs))
      }
      expect(real.size).toBe(0)
    }),
    { numRuns: 100 }
  )
})
