import { assembleBlock } from '@p2poolv2/bitcoin'
import { bytesToHexReversed, hexToBytes, steadyMs } from '@p2poolv2/primitives'
import { expect } from 'vitest'
import { sessionTarget } from '../../mining/difficulty.ts'
import { STALE_GRACE_MS } from '../../mining/job-registry.ts'
import { LastRoot, verifySubmit } from '../../mining/verify-submit.ts'
import { findShare } from '../client-miner.ts'
import type { Conformance } from '../conform.ts'
import { ADDRESS, notifyIn, OTHER_ADDRESS, SETTINGS, type SentLine, SessionRig } from '../session-rig.ts'
import { jobOf, PREV_HASH_B, TEMPLATE_A, TEMPLATE_V3, V1, V2, V3, V3_BLOCK, V3_HASH, workOf } from '../vectors.ts'

const YES = { id: 4, result: true, error: null }

function no(code: number, reason: string): unknown {
  return { id: 4, result: false, error: [code, reason, null] }
}

function loggedIn(password = 'x', rig: SessionRig = new SessionRig()): SessionRig {
  rig.login(password)
  return rig
}

/** The reply to one submit for the newest job of a fresh login. */
function answerTo(params: readonly unknown[], password = 'x'): SentLine | undefined {
  return loggedIn(password).submit(params)[0]
}

function onV3(password: string): SessionRig {
  return loggedIn(password, new SessionRig({ work: workOf(TEMPLATE_V3) }))
}

function blockOf(rig: SessionRig): string {
  const [solution] = rig.solutions
  if (solution === undefined) return 'no solution'
  return assembleBlock(solution.header, rig.coinbaseOf(solution), [], 'with-witness')
}

/** Distinct shares of difficulty 2e-8 and more for the newest job, found by a miner of our own. */
function mined(rig: SessionRig, count: number, options: { timeSec?: number } = {}): string[][] {
  const easiest = (0xffffn << 208n) * 50_000_000n
  const notify = notifyIn(
    rig.writes.flatMap(text =>
      text
        .split('\n')
        .filter(line => line.includes('notify"'))
        .map(line => JSON.parse(line) as SentLine)
    )
  )
  return Array.from({ length: count }, (_, i) => {
    const extranonce2 = i.toString(16).padStart(16, '0')
    return findShare({ notify: notify ?? [], extranonce1: '0a000001', extranonce2, target: easiest, ...options })
  })
}

const EASY = { ...SETTINGS, vardiff: { ...SETTINGS.vardiff, minDifficulty: 1e-9, startDifficulty: 1e-7 } }

/** Source: stratum §11, group E. */
export const SUBMIT: Conformance = {
  E1: ['five parameters', () => expect(answerTo(V1)).toEqual(YES)],
  E2: [
    'a nonce without leading zeros is the same nonce',
    () => {
      const unpadded = [V1[0], V1[1], '4f14e1']
      expect(answerTo(unpadded)).toEqual(YES)
      const rig = loggedIn()
      rig.submit(V1)
      expect(rig.submit(unpadded)).toEqual([no(22, 'Duplicate share')])
    }
  ],
  E3: [
    'version rolling',
    () => {
      const rig = new SessionRig()
      rig.request(0, 'mining.configure', [['version-rolling'], { 'version-rolling.mask': 'ffffffff' }])
      expect(loggedIn('d=0.1', rig).submit(V2)).toEqual([YES])
    }
  ],
  E4: ['version rolling without configure', () => expect(answerTo(V2, 'd=0.1')).toEqual(YES)],
  E5: ['version bits of zero', () => expect(answerTo([...V1, '00000000'])).toEqual(YES)],
  E6: ['a bit outside the mask', () => expect(answerTo([...V1, '40000000'])).toEqual(no(20, 'Invalid version mask'))],
  E7: ['too low a difficulty', () => expect(answerTo(V2)).toEqual(no(23, 'Low difficulty share'))],
  E8: [
    'the target of a job is where accepting ends',
    () => {
      const rig = loggedIn()
      const submit = {
        jobId: '',
        extranonce: hexToBytes(V1[0]),
        timeSec: 0x68a00000,
        nonce: 0x004f14e1,
        versionBits: null
      }
      const meets = (difficulty: number): boolean => {
        const job = jobOf(rig.work ?? workOf(TEMPLATE_A), '1')
        const epoch = { prevHash: job.work.prevHash, seen: new Set(), superseded: null, jobs: 1 } as never
        const known = { job, sentAtMs: steadyMs(0), difficulty, target: sessionTarget(difficulty), epoch }
        const context = { extranoncePrefix: Uint8Array.of(10, 0, 0, 1), versionMask: 0, lastRoot: new LastRoot(8) }
        return verifySubmit(known, submit, context).meetsSession
      }
      expect([meets(1.53), meets(1.54)]).toEqual([true, false])
    }
  ],
  E9: [
    'a duplicate',
    () => {
      const rig = loggedIn()
      expect([...rig.submit(V1), ...rig.submit(V1)]).toEqual([YES, no(22, 'Duplicate share')])
    }
  ],
  E10: [
    'a duplicate in other letters',
    () => {
      const rig = loggedIn()
      expect([...rig.submit(V1), ...rig.submit([V1[0], V1[1], '004F14E1'])]).toEqual([YES, no(22, 'Duplicate share')])
    }
  ],
  E11: ['an unknown job', () => expect(loggedIn().submit(V1, { jobId: 'ffff' })).toEqual([no(21, 'Job not found')])],
  E12: [
    'an older job of the same block',
    () => {
      const rig = loggedIn()
      for (let i = 0; i < 5; i++) rig.renew()
      expect(rig.submit(V1, { jobId: rig.jobIds[0] ?? '' })).toEqual([YES])
    }
  ],
  E13: [
    'a job of the block before, after the grace',
    () => {
      const rig = loggedIn()
      const [jobId = ''] = rig.jobIds
      rig.renew({ work: workOf({ ...TEMPLATE_A, prevHash: PREV_HASH_B }) })
      rig.pass(STALE_GRACE_MS - 1)
      expect(rig.submit(['0000000000000009', V1[1], V1[2]], { jobId })).toEqual([no(23, 'Low difficulty share')])
      rig.pass(1)
      expect(rig.submit(V1, { jobId })).toEqual([no(21, 'Stale')])
      expect(rig.session.rejected).toBe(2)
    }
  ],
  E14: [
    'a stale submit that is a block is handed up',
    () => {
      const rig = onV3('d=0.001')
      const [jobId = ''] = rig.jobIds
      rig.renew({ work: workOf({ ...TEMPLATE_V3, prevHash: PREV_HASH_B }) })
      rig.pass(STALE_GRACE_MS)
      expect(rig.submit(V3, { jobId })).toEqual([no(21, 'Stale')])
      expect(blockOf(rig)).toBe(V3_BLOCK)
      expect(rig.submit(V3, { jobId })).toEqual([no(21, 'Stale')])
      expect(rig.solutions).toHaveLength(1)
    }
  ],
  E15: [
    'a short extranonce2',
    () => expect(answerTo(['00000001', V1[1], V1[2]])).toEqual(no(20, 'Invalid extranonce2'))
  ],
  E16: [
    'an extranonce2 that is no hex',
    () => expect(answerTo(['z'.repeat(16), V1[1], V1[2]])).toEqual(no(20, 'Invalid extranonce2'))
  ],
  E17: [
    'a nonce that is no hex or too long',
    () => {
      for (const nonce of ['xyz', '1004f14e1', '', '0x4f14e1'])
        expect(answerTo([V1[0], V1[1], nonce])).toEqual(no(20, 'Invalid nonce'))
      expect(answerTo([V1[0], 'g', V1[2]])).toEqual(no(20, 'Invalid ntime'))
    }
  ],
  E18: [
    'a time long before the job',
    () => expect(answerTo([V1[0], hex(0x68a00000 - 3600), V1[2]])).toEqual(no(20, 'Ntime out of range'))
  ],
  E19: [
    'a time too far ahead',
    () => expect(answerTo([V1[0], hex(0x68a00000 + 7201), V1[2]])).toEqual(no(20, 'Ntime out of range'))
  ],
  E20: [
    'a time rolled by a minute',
    () => {
      const rig = loggedIn('x', new SessionRig({ settings: EASY }))
      const share =
        mined(rig, 20, { timeSec: 0x68a00000 + 60 }).find(found => rig.submit(found.slice(1))[0]?.result) ?? []
      expect(share[2]).toBe('68a0003c')
      expect(rig.session.accepted).toBe(1)
    }
  ],
  E21: [
    'too few parameters',
    () => {
      const rig = loggedIn()
      expect(rig.request(4, 'mining.submit', [`${ADDRESS}.w`, rig.jobId, V1[0], V1[1]])).toEqual([
        no(20, 'Invalid parameters')
      ])
      expect(rig.request(4, 'mining.submit', 'x')).toEqual([no(20, 'Invalid parameters')])
      expect(rig.closed).toBe(null)
    }
  ],
  E22: ['a seventh parameter is ignored', () => expect(answerTo([...V1, '', 'more'])).toEqual(YES)],
  E23: ['not subscribed', () => expect(new SessionRig().submit(V1)).toEqual([no(25, 'Not subscribed')])],
  E24: [
    'not authorised',
    () => {
      const rig = new SessionRig()
      rig.request(1, 'mining.subscribe', [])
      expect(rig.submit(V1)).toEqual([no(24, 'Unauthorized worker')])
    }
  ],
  E25: [
    'an address without worker counts for the worker',
    () => {
      const rig = loggedIn()
      expect(rig.submit(V1, { name: ADDRESS })).toEqual([YES])
      expect(rig.effects.at(-1)).toMatchObject({ type: 'accepted', worker: 'w' })
    }
  ],
  E26: [
    'another address',
    () => expect(loggedIn().submit(V1, { name: `${OTHER_ADDRESS}.w` })).toEqual([no(24, 'Unauthorized worker')])
  ],
  E27: [
    'the same id twice is answered twice',
    () => {
      const rig = loggedIn()
      const submit = { id: 4, method: 'mining.submit', params: [`${ADDRESS}.w`, rig.jobId, ...V1] }
      expect(rig.read(submit, submit)).toEqual([YES, no(22, 'Duplicate share')])
    }
  ],
  E28: [
    'twenty submits of one read',
    () => {
      const rig = loggedIn()
      const submits = Array.from({ length: 20 }, (_, i) => ({
        id: i,
        method: 'mining.submit',
        params: [ADDRESS, rig.jobId, ...V2]
      }))
      expect(rig.read(...submits).map(({ id }) => id)).toEqual(submits.map(({ id }) => id))
    }
  ],
  E29: [
    "another connection's share does not count",
    () =>
      expect(loggedIn('x', new SessionRig({ extranonce1: '0a000002' })).submit(V1)).toEqual([
        no(23, 'Low difficulty share')
      ])
  ],
  E30: [
    'a block is handed up before it is answered',
    () => {
      const rig = onV3('d=0.001')
      const before = rig.effects.length
      expect(rig.submit(V3)).toEqual([YES])
      expect(rig.effects.slice(before).map(({ type }) => type)).toEqual(['solution', 'send', 'accepted'])
      expect(rig.solutions[0]).toMatchObject({ meetsBitcoin: true, meetsShare: false })
      expect(bytesToHexReversed(rig.solutions[0]?.hashWire ?? new Uint8Array())).toBe(V3_HASH)
      expect(blockOf(rig)).toBe(V3_BLOCK)
    }
  ],
  E31: [
    'a block below the difficulty of its job is a block, and worth no more than it met',
    () => {
      const rig = onV3('d=1')
      expect(rig.submit(V3)).toEqual([YES])
      expect(blockOf(rig)).toBe(V3_BLOCK)
      expect(rig.credits).toEqual([0.00390625])
    }
  ],
  E32: [
    'an older job keeps its lower difficulty',
    () => {
      const rig = loggedIn()
      rig.request(5, 'mining.suggest_difficulty', [1000])
      expect(rig.submit(V1, { jobId: rig.jobIds[0] ?? '' })).toEqual([YES])
      expect(rig.credits).toEqual([1])
    }
  ],
  E33: [
    'an older job falls with the difficulty',
    () => {
      const rig = loggedIn()
      rig.request(5, 'mining.suggest_difficulty', [0.1])
      expect(rig.submit(V2, { jobId: rig.jobIds[0] ?? '' })).toEqual([YES])
      expect(rig.credits).toEqual([0.1])
    }
  ],
  E34: [
    'a new job has the new difficulty',
    () => {
      const rig = loggedIn()
      rig.request(5, 'mining.suggest_difficulty', [1000])
      expect(rig.submit(V1)).toEqual([no(23, 'Low difficulty share')])
    }
  ],
  E35: [
    'the credit is what each job asked for, whatever is asked now',
    () => {
      const rig = loggedIn('x', new SessionRig({ settings: EASY }))
      let expected = 0
      for (const difficulty of [1e-7, 1e-8, 5e-8, 2e-8]) {
        rig.request(5, 'mining.suggest_difficulty', [difficulty])
        const jobId = rig.jobId
        for (const share of mined(rig, 25)) {
          if (rig.submit(share.slice(1), { jobId })[0]?.result === true) expected += difficulty
        }
        rig.pass(11_000)
        rig.work = workOf(TEMPLATE_A, { timeSec: (rig.work?.timeSec ?? 0) + 1 })
        rig.renew()
      }
      expect(rig.session.accepted).toBeGreaterThan(40)
      expect(rig.credits.reduce((sum, credit) => sum + credit)).toBeCloseTo(expected, 15)
    }
  ],
  E36: [
    'two hundred bad shares are answered and borne',
    () => {
      const rig = loggedIn()
      for (let i = 2; i < 202; i++)
        expect(rig.submit([hex(i).padStart(16, '0'), V1[1], V1[2]])).toEqual([no(23, 'Low difficulty share')])
      expect(rig.closed).toBe(null)
    }
  ]
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
