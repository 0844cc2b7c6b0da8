import { encodeShare } from '@p2poolv2/consensus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeEffect } from './contract.ts'
import { WALL_CHECK_MS } from './node-core.ts'
import { A_SHARE, address, effectsOf, Rig, sharesMade } from './testing/rig.ts'
import { BELIEVED_AFTER_MS } from './work/clock-watch.ts'
import { RENEW_INTERVAL_MS } from './work/job-maker.ts'

type ReadShares = Extract<NodeEffect, { readonly type: 'readShares' }>

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** More deadlines at one moment than machines at rest ever ask for. */
const MAX_AT_ONCE = 20

/** A node whose wall clock is `aheadMs` ahead makes a share. */
function shareFromAhead(aheadMs: number): Uint8Array {
  const rig = new Rig()
  rig.skewMs = aheadMs
  rig.template()
  rig.connect(1, address(1))
  const [share] = sharesMade(rig.mine(1, A_SHARE))
  if (share === undefined) throw new Error('a share was made')
  return encodeShare(share)
}

const FROM_AHEAD = [200_000, HOUR_MS, DAY_MS].map(shareFromAhead)

function hear(rig: Rig, index: number): readonly NodeEffect[] {
  const data = FROM_AHEAD[index] ?? new Uint8Array(0)
  return rig.handle({ type: 'gossip', peer: 'ann', messageId: `${index}`, topic: 'shares', data })
}

function nodeAtWork(): Rig {
  const rig = new Rig()
  rig.template()
  rig.connect(1, address(1))
  rig.listener('ann')
  return rig
}

function areRenewed(effects: readonly NodeEffect[]): boolean {
  return effects.some(effect => effect.type === 'report' && effect.fact.type === 'jobsRenewed')
}

/** Lets time pass deadline by deadline, and holds the machine to what must be so whatever the wall clock does. */
function pass(rig: Rig, ms: number, since: { renewedAtMs: number }): void {
  const untilMs = rig.nowMs + ms
  let atOnce = 0
  for (let due = rig.core.nextDeadlineMs; due !== null && due <= untilMs; due = rig.core.nextDeadlineMs) {
    atOnce = due > rig.nowMs ? 0 : atOnce + 1
    expect(atOnce).toBeLessThan(MAX_AT_ONCE)
    rig.nowMs = Math.max(rig.nowMs, due)
    if (areRenewed(rig.handle({ type: 'deadline' }))) since.renewedAtMs = rig.nowMs
    expect(rig.nowMs - since.renewedAtMs).toBeLessThanOrEqual(RENEW_INTERVAL_MS)
  }
  rig.nowMs = untilMs
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.oneof(fc.nat(500), fc.nat(90_000)) })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('jump' as const),
      byMs: fc.oneof(
        fc.integer({ min: -5_000, max: 5_000 }),
        fc.integer({ min: -2 * HOUR_MS, max: 2 * HOUR_MS }),
        fc.integer({ min: -9 * DAY_MS, max: 9 * DAY_MS })
      )
    })
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('hear' as const), index: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('mine' as const) }) }
)

describe('a wall clock that steps', () => {
  it('makes no deadline spin, holds no job back, closes no connection and spoils no figure', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const rig = nodeAtWork()
        const since = { renewedAtMs: rig.nowMs }
        for (const action of steps) {
          if (action.what === 'wait') pass(rig, action.ms, since)
          if (action.what === 'jump') rig.skewMs += action.byMs
          // Once its time has come near, a share moves the base as it arrives.
          if (action.what === 'hear' && areRenewed(hear(rig, action.index))) since.renewedAtMs = rig.nowMs
          if (action.what === 'mine') {
            rig.mine(1, A_SHARE)
            // Its own share may have moved the base.
            since.renewedAtMs = rig.nowMs
          }
        }
        expect(rig.facts('bug')).toEqual([])
        expect(rig.facts('minerGone')).toEqual([])
        expect(rig.facts('peerDropped')).toEqual([])
        const rates = Object.values(rig.core.queries.totals(rig.now).hashrates)
        expect(rates.every(rateHps => rateHps >= 0 && rateHps < 1e6)).toBe(true)
        expect(new Rig({ store: rig.store }).chain.miningBase()).toEqual(rig.chain.miningBase())
      }),
      { numRuns: 60 }
    )
  })

  it.each([
    ['reaches its time by itself', 0, 100_000],
    ['is set on past its time', 200_000, WALL_CHECK_MS],
    ['is set back by a day and on again', -DAY_MS, WALL_CHECK_MS]
  ])('tries a share from the future when it %s', (_what, byMs, withinMs) => {
    const rig = nodeAtWork()
    const since = { renewedAtMs: rig.nowMs }
    hear(rig, 0)
    expect(rig.chain.confirmedTip().height).toBe(0)
    rig.skewMs += byMs
    pass(rig, WALL_CHECK_MS - 1, since)
    if (byMs < 0) {
      expect(rig.chain.confirmedTip().height).toBe(0)
      rig.skewMs += DAY_MS + 200_000
    }
    pass(rig, withinMs, since)
    expect(rig.chain.confirmedTip().height).toBe(1)
  })

  it('that was days ahead leaves shares in the store from which a right clock goes on', () => {
    const before = new Rig()
    before.skewMs = 3 * DAY_MS
    before.template()
    before.connect(1, address(1))
    for (let count = 0; count < 3; count++) {
      before.advance(1_000)
      before.mine(1, A_SHARE)
    }
    expect(before.chain.confirmedTip().height).toBe(3)
    const after = new Rig({ store: before.store })
    after.template()
    const miner = after.connect(1, address(1))
    after.advance(RENEW_INTERVAL_MS)
    expect(after.chain.confirmedTip().height).toBe(3)
    expect(after.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'clock-behind-chain' })
    expect(miner.jobs.length).toBeGreaterThan(1)
    after.advance(BELIEVED_AFTER_MS)
    expect(after.facts('sharesAhead')).toEqual([{ type: 'sharesAhead', shares: 3, height: 0 }])
    expect(after.core.queries.work().jobs).toBe('full')
    expect(sharesMade(after.mine(1, A_SHARE))).toHaveLength(1)
    expect(after.chain.confirmedTip().height).toBe(1)
    after.skewMs = 3 * DAY_MS
    const read = effectsOf(after.advance(WALL_CHECK_MS), 'readShares')[0] as ReadShares
    const { requestId, hashes } = read
    const shares = after.store.readNow(hashes)
    after.handle({ type: 'sharesRead', for: 'chain', requestId, hashes, shares })
    expect(after.chain.confirmedTip().height).toBe(3)
    expect(after.facts('bug')).toEqual([])
  })
})
