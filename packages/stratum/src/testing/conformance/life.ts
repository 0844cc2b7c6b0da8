import { steadyMs } from '@p2poolv2/primitives'
import { expect } from 'vitest'
import { decayed } from '../../mining/decayed-rate.ts'
import { Vardiff } from '../../mining/vardiff.ts'
import type { Conformance } from '../conform.ts'
import { ADDRESS, difficultyIn, kindsOf, SETTINGS, SessionRig } from '../session-rig.ts'
import { V1, V1_DIFFICULTY } from '../vectors.ts'

const ON = { ...SETTINGS, vardiff: { ...SETTINGS.vardiff, retarget: 'on' as const } }
const SUBMIT_YES = { id: 4, result: true, error: null }

function loggedIn(): SessionRig {
  const rig = new SessionRig()
  rig.login()
  return rig
}

function vardiff(start: { difficulty: number; floor?: number; bitcoinDifficulty?: number }): Vardiff {
  const { difficulty, floor = 0, bitcoinDifficulty = 1e14 } = start
  const limits = { shareDifficulty: null, bitcoinDifficulty }
  return new Vardiff(ON.vardiff, { difficulty, isGuess: false, floor, demandedFloor: 0, limits, nowMs: steadyMs(0) })
}

/** Source: stratum §11, group F. */
export const LIFE: Conformance = {
  F1: [
    'extranonce.subscribe',
    () =>
      expect(loggedIn().request(5, 'mining.extranonce.subscribe', [])).toEqual([{ id: 5, result: true, error: null }])
  ],
  F2: [
    'an unknown method is told so and borne',
    () => {
      const rig = loggedIn()
      expect(rig.request(9, 'mining.foo', [])).toEqual([{ id: 9, result: null, error: [20, 'Method not found', null] }])
      expect(rig.closed).toBe(null)
    }
  ],
  F3: [
    'multi_version is met with silence',
    () => expect(loggedIn().request(7, 'mining.multi_version', [1])).toEqual([])
  ],
  F4: ['pong as a request as well', () => expect(loggedIn().request(42, 'pong', [])).toEqual([])],
  F5: ['pong as an answer as well', () => expect(loggedIn().read({ id: 42, result: 'pong', error: null })).toEqual([])],
  F6: [
    'ping',
    () => expect(loggedIn().request(8, 'mining.ping', [])).toEqual([{ id: 8, result: 'pong', error: null }])
  ],
  F7: [
    'get_transactions gives no transactions',
    () => expect(loggedIn().request(8, 'mining.get_transactions', ['1'])).toEqual([{ id: 8, result: [], error: null }])
  ],
  F8: [
    'an answer to get_version is swallowed',
    () => expect(loggedIn().read({ id: 77, result: 'cgminer/4.11.1', error: null })).toEqual([])
  ],
  F9: [
    'an idle miner stays and gets work',
    () => {
      const rig = loggedIn()
      const notifies = kindsOf(rig.pass(600_000)).filter(kind => kind === 'notify')
      expect(notifies.length).toBeGreaterThanOrEqual(10)
      expect(rig.closed).toBe(null)
    }
  ],
  F10: [
    'who does not log in is closed within 60 s',
    () => {
      const silent = new SessionRig()
      silent.pass(30_000)
      expect(silent.closed).toBe('no-subscribe')
      const half = new SessionRig()
      half.request(1, 'mining.subscribe', [])
      half.pass(59_999)
      expect(half.closed).toBe(null)
      half.pass(1)
      expect(half.closed).toBe('no-authorise')
    }
  ],
  F14: [
    'five shares a second raise the difficulty within 20 s',
    () => {
      const control = vardiff({ difficulty: 1 })
      const changes: number[] = []
      for (let share = 1; share <= 80; share++) {
        const before = control.difficulty
        control.credit(1, steadyMs(share * 200))
        if (control.difficulty !== before) changes.push(control.difficulty)
      }
      expect(changes).toEqual([8])
    }
  ],
  F15: [
    'silence lowers the difficulty',
    () => {
      const rig = new SessionRig({ settings: { ...ON, vardiff: { ...ON.vardiff, startDifficulty: 1e6 } } })
      rig.login()
      const lines = rig.pass(180_000)
      // Nobody knows it, so it is not waited for: an eighth every 30 s.
      expect(difficultyIn(lines)).toBe(3)
    }
  ],
  F16: [
    'slow shares do not lower it below a suggestion',
    () => {
      const rig = new SessionRig({ settings: ON })
      rig.login()
      rig.request(4, 'mining.suggest_difficulty', [1000])
      rig.pass(3_600_000)
      expect(rig.session.difficulty).toBe(1000)
    }
  ],
  F17: [
    'it is never above the network',
    () => expect(vardiff({ difficulty: 1, bitcoinDifficulty: 0.0039 }).difficulty).toBeLessThanOrEqual(0.0039)
  ],
  F18: [
    'the hash rate of a steady miner',
    () => {
      const control = vardiff({ difficulty: 1000, floor: 1000 })
      for (let atMs = 0; atMs <= 600_000; atMs += 3_330) control.credit(1000, steadyMs(atMs))
      const expected = (1000 * 2 ** 32) / 3.33
      expect(Math.abs((control.rate(steadyMs(600_000)) * 2 ** 32) / expected - 1)).toBeLessThan(0.1)
    }
  ],
  F19: [
    'the decay numbers',
    () => {
      const numbers = [
        decayed(0, 1, { stepSec: 1, windowSec: 60 }),
        decayed(0, 1000, { stepSec: 10, windowSec: 60 }),
        decayed(100, 0, { stepSec: 60, windowSec: 60 }),
        decayed(100, 0, { stepSec: 60, windowSec: 300 })
      ]
      expect(numbers.map(number => Number(number.toPrecision(4)))).toEqual([0.01626, 13.31, 61.27, 84.65])
      expect(numbers[0]).toBeCloseTo(0.0162598, 6)
    }
  ],
  F20: [
    'the best share',
    () => {
      const rig = loggedIn()
      rig.submit(V1)
      expect(rig.session.bestDifficulty).toBeCloseTo(V1_DIFFICULTY, 6)
    }
  ],
  F22: [
    'a worker that comes back starts where it was',
    () => {
      const asked: string[] = []
      const lastDifficulty = ({ payoutAddress, worker }: { payoutAddress: string; worker: string }): number => {
        asked.push(`${payoutAddress}.${worker}`)
        return 4096
      }
      const rig = new SessionRig({ deps: { lastDifficulty } })
      expect(difficultyIn(rig.login())).toBe(4096)
      expect(rig.submit(V1)).not.toEqual([SUBMIT_YES])
      expect(asked).toEqual([`${ADDRESS}.w`])
    }
  ]
}
