import { hexToBytes, steadyMs, targetFromDifficulty } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SessionEffect } from '../contract.ts'
import { MAX_JOBS, OLD_JOB_LIFE_MS, STALE_GRACE_MS } from '../mining/job-registry.ts'
import { MAX_WORKERS } from '../mining/worker-names.ts'
import {
  ADDRESS,
  difficultyIn,
  kindsOf,
  notifyIn,
  OTHER_ADDRESS,
  SETTINGS,
  SessionRig
} from '../testing/session-rig.ts'
import { PREV_HASH_A, PREV_HASH_B, TEMPLATE_A, TEMPLATE_V3, V1, V2, V3, workOf } from '../testing/vectors.ts'

const ON_B = workOf({ ...TEMPLATE_A, prevHash: PREV_HASH_B })

function loggedIn(options: ConstructorParameters<typeof SessionRig>[0] = {}, password = 'x'): SessionRig {
  const rig = new SessionRig(options)
  rig.login(password)
  return rig
}

function typesSince(rig: SessionRig, before: number): readonly SessionEffect['type'][] {
  return rig.effects.slice(before).map(({ type }) => type)
}

describe('logging in', () => {
  it('closes at the second refusal, with its message', () => {
    const rig = new SessionRig()
    rig.request(1, 'mining.subscribe', [])
    rig.request(2, 'mining.authorize', ['wrong', 'x'])
    expect(rig.closed).toBe(null)
    expect(rig.request(3, 'mining.authorize', ['wrong', 'x'])).toHaveLength(1)
    expect(rig.closed).toBe('refused')
    expect(rig.request(4, 'mining.authorize', [ADDRESS, 'x'])).toEqual([])
    expect(rig.session.nextDeadlineMs).toBe(null)
  })

  it('forgets a first refusal when the second try is right', () => {
    const rig = new SessionRig()
    rig.request(1, 'mining.subscribe', [])
    rig.request(2, 'mining.authorize', ['wrong', 'd=512'])
    expect(difficultyIn(rig.request(3, 'mining.authorize', [ADDRESS, 'x']))).toBe(1)
    rig.pass(60_000)
    expect(rig.closed).toBe(null)
  })

  it('hands the share address to authorisation in the case it was typed in', () => {
    const asked: unknown[] = []
    const rig = new SessionRig({
      authorise: request => {
        asked.push(request)
        return { ok: false, message: 'no' }
      }
    })
    rig.request(1, 'mining.authorize', [`${ADDRESS}.rig.1`, 'D=5;P2P=P2Aq9x d=7'])
    expect(asked).toEqual([{ user: ADDRESS, worker: 'rig.1', shareAddress: 'P2Aq9x' }])
  })

  it('takes every label, cleaned: nobody is refused for one', () => {
    const long = 'x'.repeat(130)
    const labels = { [`.${long}`]: long.slice(0, 64), '.a/b': 'a_b', '.\u0007': '_', '."': '_', _rig1: 'rig1' }
    for (const [typed, worker] of Object.entries(labels)) {
      const rig = new SessionRig()
      const [reply] = rig.request(1, 'mining.authorize', [ADDRESS + typed])
      expect(reply).toMatchObject({ result: true, error: null })
      expect(rig.session.identity).toMatchObject({ payoutAddress: ADDRESS, worker })
    }
  })

  it('reports each worker name once and refuses them at the cap', () => {
    const rig = loggedIn()
    for (let i = 1; i < MAX_WORKERS; i++) rig.request(3, 'mining.authorize', [`${ADDRESS}.w${i}`])
    rig.request(3, 'mining.authorize', [`${ADDRESS}.w1`])
    expect(rig.effects.filter(({ type }) => type === 'joined')).toHaveLength(MAX_WORKERS)
    expect(rig.request(4, 'mining.authorize', [`${ADDRESS}.more`])[0]?.error?.[0]).toBe(24)
  })

  it('puts a submit down to the worker it names', () => {
    const rig = loggedIn()
    rig.request(3, 'mining.authorize', [`${ADDRESS}.second`])
    for (const [name, worker] of [
      [`${ADDRESS}.second`, 'second'],
      [`${ADDRESS}.unheard-of`, 'w'],
      [` ${ADDRESS.toUpperCase()}.w `, 'w']
    ] as const) {
      rig.submit(['0000000000000007', V1[1], V1[2]], { name })
      expect(rig.effects.at(-1)).toMatchObject({ type: 'rejected', worker })
    }
  })

  it('reports who mines when it is known with what', () => {
    const rig = new SessionRig({ work: null })
    rig.request(2, 'mining.authorize', [`${ADDRESS}.w`])
    expect(typesSince(rig, 0)).toEqual(['authorise', 'send'])
    rig.request(1, 'mining.subscribe', ['cgminer/4.11.1'])
    expect(typesSince(rig, 2)).toEqual(['send', 'joined', 'wantWork'])
    expect(rig.effects[3]).toMatchObject({ userAgent: 'cgminer/4.11.1', identity: { worker: 'w' } })
  })

  it('sends no work to who has not done both, whatever the node does', () => {
    const rig = new SessionRig()
    rig.request(2, 'mining.authorize', [ADDRESS])
    expect(rig.renew()).toEqual([])
    expect(rig.session.identity).not.toBeNull()
  })
})

describe('solutions', () => {
  const easyShare = { shareTarget: targetFromDifficulty(1) }

  it('are handed up although the miner names another address', () => {
    const rig = loggedIn({ work: workOf(TEMPLATE_V3) }, 'd=0.001')
    expect(rig.submit(V3, { name: OTHER_ADDRESS })[0]?.error?.[0]).toBe(24)
    expect(rig.solutions).toHaveLength(1)
    expect(rig.credits).toEqual([])
  })

  it('are handed up although the time is out of range', () => {
    const rig = loggedIn({ work: workOf(TEMPLATE_V3), nowMs: (TEMPLATE_A.timeSec - 10_000) * 1000 }, 'd=0.001')
    expect(rig.submit(V3)[0]?.error).toEqual([20, 'Ntime out of range', null])
    expect(rig.solutions).toHaveLength(1)
  })

  it('are handed up although a version bit is outside the mask', () => {
    const rig = loggedIn({ work: workOf(TEMPLATE_A, { shareTarget: new Uint8Array(32).fill(0xff) }) })
    expect(rig.submit([...V1, '40000000'])[0]?.error).toEqual([20, 'Invalid version mask', null])
    expect([...(rig.solutions[0]?.header.subarray(0, 4) ?? [])]).toEqual([0, 0, 0, 0x60])
  })

  it('are handed up once, whatever the job they name', () => {
    const rig = loggedIn({ work: workOf(TEMPLATE_A, easyShare) })
    rig.renew()
    for (const jobId of [...rig.jobIds, ...rig.jobIds]) rig.submit(V1, { jobId })
    expect(rig.solutions).toHaveLength(1)
    expect(rig.solutions[0]).toMatchObject({ meetsShare: true, meetsBitcoin: false })
    expect(rig.credits).toEqual([1])
  })

  it('come before the reply to anything else of the same read', () => {
    const rig = loggedIn({ work: workOf(TEMPLATE_A, easyShare) })
    const before = rig.effects.length
    const submit = (id: number, params: readonly string[]): object => ({
      id,
      method: 'mining.submit',
      params: [ADDRESS, rig.jobId, ...params]
    })
    rig.read({ id: 5, method: 'mining.ping' }, submit(6, V2), submit(7, V1))
    expect(typesSince(rig, before)).toEqual(['solution', 'send', 'rejected', 'accepted'])
  })

  it('of a share below the difficulty of its job count as the share', () => {
    const rig = loggedIn({ work: workOf(TEMPLATE_A, easyShare) }, 'd=100')
    expect(rig.submit(V1)[0]?.result).toBe(true)
    expect(rig.credits).toEqual([1])
  })
})

describe('jobs', () => {
  it('of a block before are known for a minute, then not', () => {
    const rig = loggedIn()
    const [jobId = ''] = rig.jobIds
    rig.newBlock(PREV_HASH_B)
    rig.renew({ work: ON_B })
    rig.pass(OLD_JOB_LIFE_MS - 1)
    expect(rig.submit(V1, { jobId })[0]?.error?.[1]).toBe('Stale')
    rig.pass(30_001)
    expect(rig.submit(V1, { jobId })[0]?.error?.[1]).toBe('Job not found')
  })

  it('go stale after a new block, but not before the miner could know of it', () => {
    const rig = loggedIn()
    const [jobId = ''] = rig.jobIds
    rig.newBlock(PREV_HASH_B)
    rig.pass(STALE_GRACE_MS)
    expect(rig.submit(V2, { jobId })[0]?.error?.[1]).toBe('Stale')
    rig.renew({ work: ON_B })
    expect(rig.submit(V1, { jobId })[0]?.result).toBe(true)
  })

  it('are no longer stale when bitcoin comes back to their block, and no share counts twice', () => {
    const rig = loggedIn()
    const [jobId = ''] = rig.jobIds
    expect(rig.submit(V1)[0]?.result).toBe(true)
    rig.renew({ work: ON_B })
    rig.pass(STALE_GRACE_MS)
    rig.renew({ work: workOf({ ...TEMPLATE_A, prevHash: PREV_HASH_A }) })
    expect(rig.submit(V1)[0]?.error?.[1]).toBe('Duplicate share')
    expect(rig.submit(V2, { jobId })[0]?.error?.[1]).toBe('Low difficulty share')
  })

  it('are forgotten oldest first at the cap', () => {
    const rig = loggedIn()
    for (let i = 0; i < MAX_JOBS; i++) rig.renew()
    expect(rig.submit(V1, { jobId: rig.jobIds[0] ?? '' })[0]?.error?.[1]).toBe('Job not found')
    expect(rig.submit(V1, { jobId: rig.jobIds[1] ?? '' })[0]?.result).toBe(true)
  })

  it('are asked for once until they come, and again when they do not', () => {
    const rig = new SessionRig({ work: null })
    rig.login()
    const asked = (): number => rig.effects.filter(({ type }) => type === 'wantWork').length
    expect(asked()).toBe(1)
    rig.request(3, 'mining.ping', [])
    expect(asked()).toBe(1)
    rig.pass(35_000)
    expect(asked()).toBe(2)
  })
})

describe('difficulty', () => {
  it('follows new limits in the write of the work that brings them', () => {
    const rig = new SessionRig()
    rig.request(0, 'mining.suggest_difficulty', [512])
    rig.login()
    rig.limits = { shareDifficulty: 100, bitcoinDifficulty: 1e14 }
    expect(kindsOf(rig.renew())).toEqual(['set_difficulty', 'notify'])
    expect(rig.session.difficulty).toBe(87)
    // The job before fell with it.
    rig.limits = { shareDifficulty: 1.2, bitcoinDifficulty: 1e14 }
    rig.renew()
    expect(rig.submit(V1, { jobId: rig.jobIds[0] ?? '' })[0]?.result).toBe(true)
    expect(rig.credits).toEqual([1])
  })

  it('takes one suggestion in ten seconds, and the last of those in between', () => {
    const rig = loggedIn()
    rig.request(4, 'mining.suggest_difficulty', [10])
    expect(rig.request(4, 'mining.suggest_difficulty', [20])).toEqual([])
    expect(rig.request(4, 'mining.suggest_difficulty', [30])).toEqual([])
    expect(rig.session.difficulty).toBe(10)
    expect(difficultyIn(rig.pass(10_000))).toBe(30)
  })

  it('is not below the minimum of a configure, also after login', () => {
    const rig = loggedIn()
    const params = [['minimum-difficulty'], { 'minimum-difficulty.value': 2048 }]
    expect(difficultyIn(rig.request(4, 'mining.configure', params))).toBe(2048)
    expect(rig.request(5, 'mining.suggest_difficulty', [1])).toEqual([])
  })

  it('starts by the user agent, and never below what its chips report', () => {
    const rig = new SessionRig()
    expect(difficultyIn(rig.login('x', 'bitaxe/BM1370'))).toBe(512)
    expect(difficultyIn(rig.request(4, 'mining.suggest_difficulty', [10]))).toBe(256)
  })

  it('rises in a session that sends too many shares', () => {
    const settings = {
      ...SETTINGS,
      vardiff: { ...SETTINGS.vardiff, retarget: 'on' as const, minDifficulty: 1e-10, startDifficulty: 1e-10 }
    }
    const rig = loggedIn({ settings })
    const kinds: unknown[] = []
    for (let i = 0; i < 600; i++) kinds.push(...kindsOf(rig.submit([i.toString(16).padStart(16, '0'), V1[1], V1[2]])))
    expect(rig.session.difficulty).toBeGreaterThan(1e-8)
    expect(kinds).toContain('set_difficulty')
    expect(rig.session.hashrateHps(steadyMs(rig.nowMs + 1000))).toBeGreaterThan(0)
  })
})

describe('patience', () => {
  const bad = (i: number): string[] => [i.toString(16).padStart(16, 'f'), V1[1], V1[2]]

  it('reminds a miner of its difficulty once, with a clean job, when all it sends is refused', () => {
    const rig = loggedIn()
    for (let i = 0; i < 50; i++) rig.submit(bad(i))
    rig.pass(61_000)
    const lines = rig.submit(bad(50))
    expect(kindsOf(lines)).toEqual([4, 'set_difficulty', 'notify'])
    expect(notifyIn(lines)?.at(-1)).toBe(true)
    expect(kindsOf(rig.submit(bad(51)))).toEqual([4])
    rig.pass(600_000)
    rig.submit(bad(52))
    expect(rig.closed).toBe('only-rejects')
  })

  it('ends with 100 unknown methods or five wrong requests', () => {
    const unknown = loggedIn()
    for (let i = 0; i < 101; i++) unknown.request(i, 'mining.foo', [])
    expect(unknown.closed).toBe('invalid-requests')
    const wrong = loggedIn()
    for (let i = 0; i < 6; i++) expect(wrong.read({ id: i })[0]?.error?.[0]).toBe(-32600)
    expect(wrong.closed).toBe('invalid-requests')
  })

  it('ends when the miner asks', () => {
    const rig = loggedIn()
    expect(rig.request(9, 'mining.term', [])).toEqual([])
    expect(rig.closed).toBe('asked')
  })
})

describe('a clock that is set back', () => {
  it('stops neither work nor difficulty nor the end of a grace', () => {
    const rig = loggedIn({
      settings: { ...SETTINGS, vardiff: { ...SETTINGS.vardiff, retarget: 'on', startDifficulty: 1e6 } }
    })
    const [jobId = ''] = rig.jobIds
    rig.renew({ work: ON_B })
    rig.skewMs = -3_600_000
    rig.request(9, 'mining.ping', [])
    expect(rig.session.nextDeadlineMs ?? 0).toBeLessThanOrEqual(rig.nowMs + 30_000)
    rig.pass(STALE_GRACE_MS)
    expect(rig.submit(V1, { jobId })[0]?.error?.[1]).toBe('Stale')
    expect(difficultyIn(rig.pass(180_000))).toBe(3)
  })
})

it('gives the miner what the channel leaves it of the extranonce, and takes no more', () => {
  const rig = new SessionRig({ extranonce1: '0a0000010000' })
  const [subscribed] = rig.login('d=1')
  expect(subscribed?.result).toMatchObject([expect.anything(), '0a0000010000', 6])
  expect(rig.submit(V1)[0]?.error?.[1]).toBe('Invalid extranonce2')
  expect(rig.submit([V1[0].slice(4), V1[1], V1[2]])[0]?.result).toBe(true)
})

describe('stale submits in a row', () => {
  /** Bitcoin moved on, and the miner has not heard of it. */
  function left(): SessionRig {
    const rig = loggedIn()
    rig.newBlock(PREV_HASH_B)
    rig.pass(STALE_GRACE_MS)
    return rig
  }

  it('bring the miner its job once more, clean, when they do not end', () => {
    const rig = left()
    for (let count = 0; count < 60; count++) expect(rig.submit(V1)[0]?.error?.[1]).toBe('Stale')
    rig.pass(10_001)
    const sent = rig.submit(V1)
    expect(kindsOf(sent)).toEqual([4, 'set_difficulty', 'notify'])
    expect(notifyIn(sent)?.at(-1)).toBe(true)
    const jobId = rig.jobIds[0] ?? ''
    expect(kindsOf(rig.submit(V1, { jobId }))).toEqual([4])
  })

  it('end no connection, however many there are', () => {
    const rig = left()
    for (let count = 0; count < 6_000; count++) rig.submit(V1)
    expect(rig.closed).toBe(null)
  })
})

describe('a clock that is set forward', () => {
  it('closes nobody who is about to log in', () => {
    const rig = new SessionRig()
    rig.request(1, 'mining.subscribe', [])
    rig.skewMs = 86_400_000
    rig.handle({ type: 'deadline' })
    rig.request(2, 'mining.authorize', [`${ADDRESS}.w`, 'x'])
    expect(rig.closed).toBeNull()
    expect(rig.session.identity).not.toBeNull()
  })

  it('is not a silence of the miner: difficulty stays, and jobs that were good are good', () => {
    const rig = loggedIn({
      settings: { ...SETTINGS, vardiff: { ...SETTINGS.vardiff, retarget: 'on', startDifficulty: 1e6 } }
    })
    const { difficulty } = rig.session
    rig.skewMs = 3_600_000
    rig.handle({ type: 'deadline' })
    expect(difficultyIn(rig.pass(10_000))).toBeNull()
    expect(rig.session.difficulty).toBe(difficulty)
    expect(rig.session.hashrateHps(rig.nowMs)).toBe(0)
    expect(rig.submit(V1)[0]?.error?.[1]).not.toMatch(/Stale|Job not found/)
  })
})

describe('whatever comes', () => {
  it('never throws on bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), lines => {
        loggedIn().handle({ type: 'received', messages: lines })
      })
    )
  })

  const json = fc.jsonValue({ maxDepth: 3 })
  const method = fc.constantFrom(
    'mining.subscribe',
    'mining.authorize',
    'mining.configure',
    'mining.submit',
    'mining.suggest_difficulty',
    'mining.suggest_target',
    'mining.extranonce.subscribe',
    'mining.get_transactions',
    'mining.ping',
    'mining.multi_version',
    'pong',
    'toString',
    '__proto__'
  )
  const silent = ['mining.suggest_difficulty', 'mining.suggest_target', 'mining.multi_version', 'pong']

  it('answers every request with an id exactly once, in order, but those met with silence', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(method, json), { maxLength: 12 }), fc.boolean(), (calls, isLoggedIn) => {
        const rig = isLoggedIn ? loggedIn() : new SessionRig()
        const requests = calls.map(([name, params], i) => ({ id: 100 + i, method: name, params }))
        const replies = rig.read(...requests).filter(line => typeof line.id === 'number')
        const answered = requests.filter(request => !silent.includes(request.method)).map(({ id }) => id)
        // A connection that was closed answers nothing more.
        expect(replies.map(({ id }) => id)).toEqual(rig.closed === null ? answered : answered.slice(0, replies.length))
        for (const reply of replies) expect(reply.error === null || reply.error?.length === 3).toBe(true)
      }),
      { numRuns: 300 }
    )
  })

  it('judges any submit without harm', () => {
    const field = fc.oneof(
      json,
      fc.constantFrom<string>(...V1, ...V2, '0', 'ffffffff'),
      fc.string({ maxLength: 17, unit: fc.constantFrom(...'0123456789abcdefG') })
    )
    const rig = loggedIn({ work: workOf(TEMPLATE_A, { shareTarget: targetFromDifficulty(1e-9) }) })
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), params => {
        const [reply] = rig.submit(params)
        expect(typeof reply?.result).toBe('boolean')
      }),
      { numRuns: 500 }
    )
    expect(rig.solutions.every(({ header, extranonce }) => header.length === 80 && extranonce.length === 12)).toBe(true)
    expect(hexToBytes('0a000001')).toEqual(rig.solutions[0]?.extranonce.subarray(0, 4) ?? hexToBytes('0a000001'))
  })
})

describe('a session that ends itself', () => {
  it('hands up the block that came with what ended it, and says nothing more', () => {
    const rig = new SessionRig({ work: workOf(TEMPLATE_V3) })
    rig.login()
    const submit = { id: 5, method: 'mining.submit', params: [`${ADDRESS}.w`, rig.jobId, ...V3] }
    const sent = rig.read('no json', submit, { id: 6, method: 'mining.ping', params: [] })
    expect(kindsOf(sent)).toEqual([null])
    expect(rig.closed).toBe('not-json')
    expect(rig.solutions).toHaveLength(1)
    expect(rig.solutions[0]?.meetsBitcoin).toBe(true)
  })
})
