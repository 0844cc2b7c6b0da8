import { steadyMs, unixMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { A_BLOCK, A_SHARE, address, effectsOf, Rig } from '../testing/rig.ts'
import { GONE_WORKER_MS, KEEP_FIGURES_MS, PoolStats } from './pool-stats.ts'

/** What was kept so far, as a store has it. */
function kept(rig: Rig): (readonly [string, string])[] {
  const rows = new Map<string, string>()
  for (const { delta } of effectsOf(rig.effects, 'keepFigures')) {
    for (const [key, text] of delta.puts) rows.set(key, text)
    for (const key of delta.deletes) rows.delete(key)
  }
  return [...rows]
}

const fresh = (): Rig => {
  const rig = new Rig()
  return new Rig({ figures: { rows: [], now: rig.now } })
}

/** The node after a stop, so much later. */
function restarted(rig: Rig, afterMs: number): Rig {
  const now = { steadyMs: steadyMs(rig.nowMs), wallMs: unixMs(rig.nowMs + afterMs) }
  const again = new Rig({ figures: { rows: kept(rig), now }, startedAtMs: now.steadyMs })
  again.nowMs = rig.nowMs
  again.skewMs = afterMs
  return again
}

describe('the figures of workers and node', () => {
  it('are there again after a restart: counts, reasons, best hash, blocks, rates faded by the time that was lost', () => {
    const rig = fresh()
    rig.template()
    rig.connect(1, `${address(1)}.attic`)
    rig.connect(2, `${address(1)}.cellar`)
    for (const _ of [1, 2, 3]) {
      rig.mine(1, A_SHARE)
      rig.advance(20_000)
    }
    const late = rig.miner(1).job
    rig.mine(2, A_BLOCK)
    rig.template({ parent: 2 })
    rig.advance(10_000)
    rig.mine(1, { ...A_SHARE, job: late })
    const before = rig.core.queries.totals(rig.now)
    expect(before).toMatchObject({ accepted: 4, rejected: 1, blocksFound: 1, rejectedByReason: { Stale: 1 } })
    rig.handle({ type: 'shutdown' })

    const again = restarted(rig, 3_600_000)
    const after = again.core.queries.totals(again.now)
    const { hashrates: _, connections: _none, ...counts } = before
    expect(after).toMatchObject(counts)
    expect(after.hashrates.d7 / before.hashrates.d7).toBeLessThan(1)
    expect(after.hashrates.m1).toBeLessThan(before.hashrates.m1 / 1e6)
    const workers = again.core.queries.workers(again.now)
    expect(workers.map(({ worker, accepted, blocksFound }) => [worker, accepted, blocksFound])).toEqual([
      ['attic', 3, 0],
      ['cellar', 1, 1]
    ])
    expect(again.core.queries.users(again.now)).toMatchObject([
      { payoutAddress: address(1), workers: 2, connections: 0, accepted: 4, rejected: 1, blocksFound: 1 }
    ])
    again.template()
    again.connect(1, `${address(1)}.attic`)
    again.mine(1, A_SHARE)
    expect(again.core.queries.workers(again.now)).toMatchObject([
      { worker: 'attic', accepted: 4, goneAtMs: null },
      { worker: 'cellar' }
    ])
  })

  it('are given out a minute after they have changed, only those that have, and nothing while nobody keeps them', () => {
    const rig = fresh()
    rig.template()
    rig.connect(1, `${address(1)}.a`)
    rig.connect(2, `${address(2)}.b`)
    rig.advance(KEEP_FIGURES_MS)
    expect(effectsOf(rig.effects, 'keepFigures')).toHaveLength(1)
    rig.mine(1, A_SHARE)
    rig.advance(10 * KEEP_FIGURES_MS)
    const [, second, ...more] = effectsOf(rig.effects, 'keepFigures')
    expect(second?.delta.puts.map(([key]) => key).sort()).toEqual(['all', `${address(1)}.a`].sort())
    expect(more).toEqual([])

    const forgetful = new Rig()
    forgetful.template()
    forgetful.connect(1, address(1))
    forgetful.mine(1, A_SHARE)
    forgetful.advance(10 * KEEP_FIGURES_MS)
    forgetful.handle({ type: 'shutdown' })
    expect(effectsOf(forgetful.effects, 'keepFigures')).toEqual([])
  })

  it('of a worker that is gone are listed for a week, and then forgotten on disk as well', () => {
    const at = (ms: number) => ({ steadyMs: steadyMs(ms), wallMs: unixMs(1_700_000_000_000 + ms) })
    const stats = new PoolStats({ startedAtMs: steadyMs(0), kept: { rows: [], now: at(0) } })
    const [gone, stays] = ['gone', 'stays'].map(worker => ({ payoutAddress: 'bcrt1qexample', worker }))
    if (gone === undefined || stays === undefined) throw new Error('there are two')
    for (const key of [gone, stays]) stats.connect(key, steadyMs(0))
    stats.accept(stats.connected(gone), { creditedDifficulty: 1, hashDifficulty: 1 }, at(500))
    stats.disconnect(gone, at(1_000))
    const rows = (stats.takeDelta(at(2_000))?.puts ?? []).filter(([id]) => id !== 'all')
    expect(rows).toHaveLength(2)

    stats.accept(stats.connected(stays), { creditedDifficulty: 1, hashDifficulty: 1 }, at(GONE_WORKER_MS))
    expect(stats.takeDelta(at(GONE_WORKER_MS))?.deletes).toEqual([])
    stats.accept(stats.connected(stays), { creditedDifficulty: 1, hashDifficulty: 1 }, at(GONE_WORKER_MS + 1_000))
    expect(stats.takeDelta(at(GONE_WORKER_MS + 1_000))?.deletes).toEqual(['bcrt1qexample.gone'])
    expect(stats.workers(steadyMs(0)).map(({ worker }) => worker)).toEqual(['stays'])

    const later = new PoolStats({
      startedAtMs: steadyMs(0),
      kept: { rows, now: at(2 * GONE_WORKER_MS) }
    })
    later.connect(stays, steadyMs(0))
    expect(later.takeDelta(at(2 * GONE_WORKER_MS))?.deletes).toEqual(['bcrt1qexample.gone'])
  })

  it('that cannot be read are left out and forgotten, and the rest is there', () => {
    const now = { steadyMs: steadyMs(0), wallMs: unixMs(1_700_000_000_000) }
    const stats = new PoolStats({ startedAtMs: steadyMs(0), kept: { rows: [], now } })
    const key = { payoutAddress: 'bcrt1qexample', worker: 'a.b c' }
    stats.connect(key, steadyMs(0))
    stats.accept(stats.connected(key), { creditedDifficulty: 2, hashDifficulty: 3 }, now)
    const rows = [
      ...(stats.takeDelta(now)?.puts ?? []),
      ['bcrt1qexample.x', '{}'],
      ['bcrt1qexample.y', 'half a li'],
      ['bcrt1qexample.z', '{"at":-1,"accepted":1e999}'],
      ['nobody', '{}']
    ] as const
    const again = new PoolStats({ startedAtMs: steadyMs(0), kept: { rows, now } })
    expect(again.workers(steadyMs(0))).toMatchObject([{ worker: 'a.b c', accepted: 1, bestDifficulty: 3 }])
    expect(again.totals(steadyMs(0)).accepted).toBe(1)
    expect(again.takeDelta(now)?.deletes).toHaveLength(4)
    again.checkInvariants()
  })

  it('beyond the cap of workers those gone longest are left out', () => {
    const text = (sec: number) => {
      const now = { steadyMs: steadyMs(0), wallMs: unixMs(1_700_000_000_000 + sec * 1_000) }
      const one = new PoolStats({ startedAtMs: steadyMs(0), kept: { rows: [], now } })
      one.connect({ payoutAddress: 'bcrt1qexample', worker: '' }, steadyMs(0))
      return one.takeDelta(now)?.puts[0]?.[1] ?? ''
    }
    const rows = [3, 1, 2].map(sec => [`bcrt1qexample.${sec}`, text(sec)] as const)
    const now = { steadyMs: steadyMs(0), wallMs: unixMs(1_700_000_010_000) }
    const stats = new PoolStats({ startedAtMs: steadyMs(0), maxWorkers: 2, kept: { rows, now } })
    expect(stats.workers(steadyMs(0)).map(({ worker }) => worker)).toEqual(['2', '3'])
    stats.checkInvariants()
  })
})
