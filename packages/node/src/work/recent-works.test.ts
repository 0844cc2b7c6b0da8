import { buildCoinbase, type MiningWork } from '@p2poolv2/bitcoin'
import {
  asciiToBytes,
  blockHash,
  type Moment,
  type SteadyMs,
  steadyMs,
  unixMs,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { JOB_LIFE_MS, MAX_JOBS, type MinerSession, OLD_JOB_LIFE_MS, StratumV1 } from '@p2poolv2/stratum'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { A_BLOCK, A_SHARE, address, effectsOf, factsOf, Rig, SETTINGS, START_MS, template } from '../testing/rig.ts'
import { BASE_COALESCE_MS, RENEW_INTERVAL_MS } from './job-maker.ts'
import { RecentWorks } from './recent-works.ts'
import type { WorkTemplate } from './work-template.ts'

const BLOCKS = ['a', 'b', 'c'].map(digit => blockHash(digit.repeat(64)))
const TEMPLATE = template()
const LIMITS = { shareDifficulty: null, bitcoinDifficulty: 1e12 }

function workOf(id: number, block = 0, of = TEMPLATE): WorkTemplate {
  const prevHash = BLOCKS[block] ?? TEMPLATE.prevHash
  const coinbase = buildCoinbase({
    bitcoinHeight: 101,
    auxFlags: new Uint8Array(),
    poolSignature: new Uint8Array(),
    outputs: [{ valueSats: 1n, script: new Uint8Array(22) }],
    witnessCommitmentScript: null,
    padding: null
  })
  const mining: MiningWork = {
    ...TEMPLATE,
    id,
    prevHash,
    prevHashWire: wireFromDisplay(prevHash),
    timeSec: TEMPLATE.curTimeSec,
    shareTarget: null,
    coinbase
  }
  return { mining, template: of } as WorkTemplate
}

/** A template of its own whose transactions have this many characters of hex. */
function templateOf(chars: number): typeof TEMPLATE {
  const [first] = TEMPLATE.transactions
  if (first === undefined) throw new Error('the test template has a transaction')
  return { ...TEMPLATE, transactions: [{ ...first, dataHex: '0'.repeat(chars) }] }
}

const moment = (nowMs: SteadyMs): Moment => ({ steadyMs: nowMs, wallMs: unixMs(nowMs) })

function loggedIn(nowMs: SteadyMs): MinerSession {
  const session = new StratumV1().open(
    {
      ...SETTINGS,
      extranonce: { prefix: new Uint8Array(4), minerBytes: 8 },
      sessionId: '00000000000000aa',
      connectedAtMs: nowMs,
      remote: '192.0.2.1:4000'
    },
    {}
  )
  const messages = [
    '{"id":1,"method":"mining.subscribe","params":[]}',
    '{"id":2,"method":"mining.authorize","params":["a","x"]}'
  ]
  const identity = { payoutAddress: 'a', payoutScript: new Uint8Array(22), worker: '', shareProgram: null }
  for (const effect of session.handle({ type: 'received', messages: messages.map(asciiToBytes) }, moment(nowMs))) {
    if (effect.type === 'authorise')
      session.handle({ type: 'authorised', requestId: effect.requestId, identity }, moment(nowMs))
  }
  return session
}

describe('RecentWorks', () => {
  it('keeps the work of every job that a session still knows, without ever having to take one away', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('renew' as const), block: fc.nat(2), again: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(JOB_LIFE_MS / 2) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('connect' as const) }) }
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: MAX_JOBS, maxLength: 3 * MAX_JOBS }), steps => {
        const works = new RecentWorks()
        let nowMs = steadyMs(START_MS)
        let ids = 0
        let jobs = 0
        const sessions = [loggedIn(nowMs)]
        for (const next of steps) {
          if (next.do === 'pass') nowMs = steadyMs(nowMs + next.ms)
          else if (next.do === 'connect') sessions.push(loggedIn(nowMs))
          else {
            const work = workOf(++ids, next.block)
            works.add(work, nowMs)
            for (const session of sessions) {
              // Jobs of the same work again: what a change of difficulty brings.
              for (let count = 0; count <= next.again; count++) {
                const id = (++jobs).toString(16).padStart(16, '0')
                const job = { id, work: work.mining, nsecs: BigInt(jobs), commitment: null }
                // Nothing is asked of the session: that it forgets in time is what is to be seen.
                session.handle({ type: 'work', job, oldestWorkId: 0, cleanJobs: false, limits: LIMITS }, moment(nowMs))
              }
            }
          }
          works.checkInvariants()
          for (const { oldestWorkId } of sessions) {
            expect(oldestWorkId ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(works.oldestId ?? 0)
          }
        }
      })
    )
  })

  it('lets go of a work when no job of it can be alive any more', () => {
    const works = new RecentWorks()
    works.add(workOf(1), steadyMs(0))
    works.add(workOf(2), steadyMs(1_000))
    works.add(workOf(3), steadyMs(JOB_LIFE_MS + 999))
    expect(works.get(1)?.mining.id).toBe(1)
    works.add(workOf(4), steadyMs(JOB_LIFE_MS + 1_000))
    expect([works.get(1), works.get(2)?.mining.id]).toEqual([null, 2])
  })

  it('lets go of works of an old block a minute after the new one', () => {
    const works = new RecentWorks()
    works.add(workOf(1, 0), steadyMs(0))
    works.add(workOf(2, 1), steadyMs(1_000))
    works.add(workOf(3, 1), steadyMs(1_000 + OLD_JOB_LIFE_MS - 1))
    expect(works.oldestId).toBe(1)
    works.add(workOf(4, 1), steadyMs(1_000 + OLD_JOB_LIFE_MS))
    expect(works.oldestId).toBe(2)
  })

  it('counts transactions once however many works have them, and lets the oldest go beyond its room', () => {
    const works = new RecentWorks({ maxTemplateChars: 2_500 })
    const [a, b, c] = [templateOf(1_000), templateOf(1_000), templateOf(1_000)]
    for (const id of [1, 2, 3]) works.add(workOf(id, 0, a), steadyMs(0))
    // A block that was cut to fit has its transactions in common with the whole one.
    works.add(workOf(4, 0, { ...a, transactions: a.transactions.slice() }), steadyMs(0))
    works.add(workOf(5, 0, b), steadyMs(0))
    expect(works.oldestId).toBe(1)
    works.add(workOf(6, 0, c), steadyMs(0))
    expect([works.oldestId, works.size]).toEqual([5, 2])
    works.add(workOf(7, 0, templateOf(9_000)), steadyMs(0))
    works.checkInvariants()
    expect([works.oldestId, works.size]).toEqual([6, 2])
  })

  it('a clock that steps back loses nothing', () => {
    const works = new RecentWorks()
    works.add(workOf(1), steadyMs(JOB_LIFE_MS))
    works.add(workOf(2), steadyMs(0))
    works.add(workOf(3), steadyMs(JOB_LIFE_MS - 1))
    expect(works.oldestId).toBe(1)
  })
})

describe('a late block', () => {
  /** One miner who is slow, and one whose shares move the mining base as fast as work is renewed. */
  function atFullRate(renewals: number): Rig {
    const rig = new Rig()
    rig.template()
    const slow = rig.connect(1, address(1))
    rig.connect(2, address(2))
    for (let count = 0; slow.jobs.length <= renewals; count++) {
      rig.advance(BASE_COALESCE_MS)
      // Bitcoin nodes send templates on top of it, for which nothing is waited.
      if (count % 3 === 2) rig.template({ transactions: 2 + (count % 7) })
      else rig.mine(2, A_SHARE)
    }
    return rig
  }

  it('for the oldest job there is goes to bitcoin, after as many renewals as a session can hold jobs of', () => {
    const rig = atFullRate(MAX_JOBS - 1)
    const { jobs } = rig.miner(1)
    expect(jobs).toHaveLength(MAX_JOBS)
    expect(factsOf(rig.effects, 'jobsRenewed')).toHaveLength(MAX_JOBS)
    const [oldest] = jobs
    if (oldest === undefined) throw new Error('the miner has jobs')
    const effects = rig.mine(1, { ...A_BLOCK, job: oldest })
    expect(effects[0]?.type).toBe('submitBlock')
    const [block] = effectsOf(effects, 'submitBlock')
    const [found] = factsOf(effects, 'blockFound')
    expect(found?.blockHash).toBe(block?.blockHash)
    expect(found?.payoutAddress).toBe(address(1))
    // The block is the work's own: its coinbase is the one this very miner was given, and hashed.
    expect(block?.blockHex).toContain(oldest.coinbase2.slice(0, -8))
    expect(rig.facts('bug')).toEqual([])
  })

  it('for a job that one renewal more has pushed out is refused, and that is said to the miner', () => {
    const rig = atFullRate(MAX_JOBS)
    const [oldest] = rig.miner(1).jobs
    if (oldest === undefined) throw new Error('the miner has jobs')
    const effects = rig.mine(1, { ...A_BLOCK, job: oldest })
    expect(effectsOf(effects, 'submitBlock')).toEqual([])
    expect(rig.miner(1).lastReply).toMatchObject({ result: false, error: [21, 'Job not found', null] })
    expect(rig.facts('bug')).toEqual([])
  })

  it('is one for as long as a job lives when nothing happens, and a minute after another block', () => {
    for (const [waitMs, parent] of [
      [JOB_LIFE_MS - RENEW_INTERVAL_MS, 1],
      [OLD_JOB_LIFE_MS - 1_000, 2]
    ] as const) {
      const rig = new Rig()
      rig.template()
      const miner = rig.connect(1, address(1))
      rig.advance(1_000)
      rig.template({ parent })
      rig.advance(waitMs)
      const [oldest] = miner.jobs
      if (oldest === undefined) throw new Error('the miner has jobs')
      expect(effectsOf(rig.mine(1, { ...A_BLOCK, job: oldest }), 'submitBlock')).toHaveLength(1)
      expect(rig.facts('bug')).toEqual([])
    }
  })
})
