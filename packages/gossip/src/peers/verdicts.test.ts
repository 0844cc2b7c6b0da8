import { RULES, type RuleCode } from '@p2poolv2/consensus'
import { describe, expect, it } from 'vitest'
import { BAN_MS, DROP_POINTS, FORGIVE_MS, faultOf, pointsFor, type Route, topicVerdict } from './verdicts.ts'

const ROUTES: readonly Route[] = ['topic', 'push', 'fetch', 'headers', 'stream']
const codes = Object.keys(RULES) as RuleCode[]

it.each(codes.filter(code => RULES[code].verdict === 'recoverable' || RULES[code].verdict === 'unresolvable'))(
  '%s, which honest nodes can differ about, costs nobody anything',
  code => {
    for (const route of ROUTES) expect(pointsFor(code, route), route).toBe(0)
    expect(topicVerdict(code)).toBe('ignore')
  }
)

it.each(codes.filter(code => RULES[code].verdict === 'bad-copy'))('%s is rejected on the topic', code => {
  expect(topicVerdict(code)).toBe('reject')
})

describe('what the reference does is never held against it', () => {
  const context: readonly RuleCode[] = ['share-time-median', 'payout-empty', 'coinbase-form', 'coinbase-payout']

  it.each(context)('%s: it relays before it knows the context', code => {
    expect(pointsFor(code, 'push')).toBe(0)
    expect(pointsFor(code, 'fetch')).toBe(0)
    expect(pointsFor(code, 'topic')).toBeGreaterThan(0)
  })

  it.each(['uncle-depth', 'uncle-is-ancestor'] as const)('%s: it serves what it has not validated', code => {
    expect(pointsFor(code, 'fetch')).toBe(0)
    expect(pointsFor(code, 'push')).toBeGreaterThan(0)
  })

  it('transactions that spend twice: it serves and answers before it has looked at them', () => {
    for (const route of ['push', 'fetch', 'headers'] as const) {
      expect(pointsFor('transaction-double-spend', route)).toBe(0)
    }
  })
})

it('one more share at a height than we keep is nobody’s fault, one answer full of them is', () => {
  expect(pointsFor('height-crowded', 'headers')).toBe(0)
  expect(pointsFor('answer-dense', 'headers')).toBeGreaterThanOrEqual(DROP_POINTS)
})

it('another network is left at once, and two shares without work are enough', () => {
  expect(pointsFor('different-genesis', 'stream')).toBeGreaterThanOrEqual(DROP_POINTS)
  for (const code of ['share-work', 'share-bits', 'body-share-coinbase', 'proof-merkle-root'] as const) {
    expect(pointsFor(code, 'push') * 2, code).toBeGreaterThanOrEqual(DROP_POINTS)
  }
})

it('every row has its reason, and a full score is forgiven in the time of a ban', () => {
  for (const code of codes) expect(faultOf(code).why, code).toMatch(/\.$/)
  expect(DROP_POINTS * FORGIVE_MS).toBe(BAN_MS)
})
