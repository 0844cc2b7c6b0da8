import { steadyMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { MAX_BANS, MAX_SCORES_KEPT, Peer, PeerBook } from './peer-book.ts'
import { BAN_MS, DROP_POINTS, FORGIVE_MS } from './verdicts.ts'

const NOW = steadyMs(1_700_000_000_000)
const peer = (id: string, dialect: 'ours' | 'reference' = 'ours') =>
  new Peer(id, { direction: 'inbound', dialect, connectedAtMs: NOW })
const later = (ms: number) => steadyMs(NOW + ms)

it('forgives points one at a time, and the whole score in ten minutes', () => {
  const ann = peer('ann')
  expect(ann.penalise(50, NOW)).toBe(50)
  expect(ann.pointsAt(later(FORGIVE_MS - 1))).toBe(50)
  expect(ann.pointsAt(later(FORGIVE_MS))).toBe(49)
  expect(ann.penalise(50, later(FORGIVE_MS * 10))).toBe(90)
  expect(ann.pointsAt(later(DROP_POINTS * FORGIVE_MS))).toBe(0)
})

it('a clock that steps back forgives nothing and takes nothing', () => {
  const ann = peer('ann')
  ann.penalise(50, NOW)
  expect(ann.pointsAt(steadyMs(NOW - 1_000_000))).toBe(50)
})

it('takes no more peers than its cap', () => {
  const book = new PeerBook(2)
  expect(['ann', 'bob', 'cid'].map(id => book.add(peer(id), NOW))).toEqual([null, null, 'too-many-peers'])
  book.remove('ann')
  expect(book.add(peer('cid'), NOW)).toBeNull()
  book.checkInvariants()
})

it('keeps a dropped peer out for a while', () => {
  const book = new PeerBook()
  book.add(peer('ann'), NOW)
  book.ban('ann', NOW)
  expect(book.get('ann')).toBeUndefined()
  expect(book.add(peer('ann'), later(BAN_MS - 1))).toBe('banned')
  expect(book.add(peer('ann'), later(BAN_MS))).toBeNull()
  for (let i = 0; i < MAX_BANS + 10; i++) book.ban(`peer ${i}`, NOW)
  book.checkInvariants()
})

it('gives a peer that comes back the score with which it went', () => {
  const book = new PeerBook()
  book.add(peer('ann'), NOW)
  book.get('ann')?.penalise(50, NOW)
  book.remove('ann')
  book.add(peer('ann'), later(10 * FORGIVE_MS))
  expect(book.get('ann')?.pointsAt(later(10 * FORGIVE_MS))).toBe(40)
  expect(book.get('ann')?.penalise(60, later(10 * FORGIVE_MS))).toBe(DROP_POINTS)
  book.ban('ann', NOW)
  book.add(peer('ann'), later(BAN_MS))
  expect(book.get('ann')?.pointsAt(later(BAN_MS))).toBe(0)
  for (let i = 0; i < MAX_SCORES_KEPT + 10; i++) {
    book.add(peer(`peer ${i}`), NOW)
    book.get(`peer ${i}`)?.penalise(20, NOW)
    book.remove(`peer ${i}`)
  }
  book.checkInvariants()
})

it('counts those that are in our topics', () => {
  const book = new PeerBook()
  book.add(peer('ann'), NOW)
  book.add(peer('rita', 'reference'), NOW)
  expect([book.oursCount, book.of('reference').map(({ id }) => id)]).toEqual([1, ['rita']])
  book.remove('ann')
  book.remove('ann')
  expect(book.oursCount).toBe(0)
})
