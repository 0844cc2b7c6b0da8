import type { Solution } from '@p2poolv2/bitcoin'
import { steadyMs, targetFromDifficulty, unixMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { jobOf, TEMPLATE_A, workOf } from '../testing/vectors.ts'
import { JobRegistry, type KnownJob } from './job-registry.ts'
import { creditOf, judgeSubmit, type SubmitCase } from './judge-submit.ts'

const WORK = workOf(TEMPLATE_A)
const { timeSec: JOB_SEC, minTimeSec: MIN_SEC } = TEMPLATE_A

function knownJob(work = WORK, difficulty = 1_000): KnownJob {
  const registry = new JobRegistry()
  registry.add(jobOf(work, 'a'), { difficulty, target: targetFromDifficulty(difficulty), nowMs: steadyMs(0) })
  const known = registry.find('a')
  if (known === null) throw new Error('a job just added is known')
  return known
}

const meeting = (meetsBitcoin: boolean, meetsShare: boolean): Solution => ({
  workId: 1,
  nsecs: 0n,
  header: new Uint8Array(80),
  extranonce: new Uint8Array(12),
  hashWire: new Uint8Array(32),
  meetsBitcoin,
  meetsShare
})

/** One that is to be accepted, but for the changes. */
function submitCase(
  changes: Partial<Omit<SubmitCase, 'submit' | 'verified'>> & {
    readonly submit?: Partial<SubmitCase['submit']>
    readonly verified?: Partial<SubmitCase['verified']>
  } = {}
): SubmitCase {
  return {
    known: knownJob(),
    versionMask: 0x1fff_e000,
    isStale: false,
    isDuplicate: false,
    ...changes,
    submit: {
      jobId: 'a',
      extranonce: new Uint8Array(8),
      timeSec: JOB_SEC,
      nonce: 0,
      versionBits: null,
      ...changes.submit
    },
    verified: {
      solution: null,
      meetsSession: true,
      hashDifficulty: 1_234,
      hashWire: new Uint8Array(32),
      ...changes.verified
    }
  }
}

/** With our clock so many seconds after the job's time. */
const codeOf = (one: SubmitCase, afterSec = 0): string | null =>
  judgeSubmit(one, unixMs((JOB_SEC + afterSec) * 1000))?.code ?? null

describe('a submit', () => {
  it('is refused for the first of what is wrong with it', () => {
    const wrong = {
      submit: { versionBits: 1, timeSec: JOB_SEC - 61 },
      isStale: true,
      isDuplicate: true,
      verified: { meetsSession: false }
    }
    expect(codeOf(submitCase(wrong))).toBe('version-bits-not-allowed')
    const allowed = { ...wrong, submit: { ...wrong.submit, versionBits: 0x2000 } }
    expect(codeOf(submitCase(allowed))).toBe('stale')
    expect(codeOf(submitCase({ ...allowed, isStale: false }))).toBe('time-out-of-range')
    const timely = { ...allowed, isStale: false, submit: { versionBits: 0x2000 } }
    expect(codeOf(submitCase(timely))).toBe('duplicate')
    expect(codeOf(submitCase({ ...timely, isDuplicate: false }))).toBe('low-difficulty')
    expect(codeOf(submitCase({ submit: { versionBits: 0x2000 } }))).toBeNull()
  })

  it('that is too easy counts if it is a solution', () => {
    const verified = { meetsSession: false, solution: meeting(false, true) }
    expect(codeOf(submitCase({ verified }))).toBeNull()
  })

  it.each([
    // From a minute before the job's time, at most 7,000 s after it and 6,900 s after our clock.
    { what: 'a minute before the job', timeSec: JOB_SEC - 60, afterSec: 0, isTaken: true },
    { what: 'more than that before the job', timeSec: JOB_SEC - 61, afterSec: 0, isTaken: false },
    { what: '6,900 s after our clock', timeSec: JOB_SEC + 6_900, afterSec: 0, isTaken: true },
    { what: 'more than that after our clock', timeSec: JOB_SEC + 6_901, afterSec: 0, isTaken: false },
    { what: '7,000 s after the job', timeSec: JOB_SEC + 7_000, afterSec: 500, isTaken: true },
    { what: 'more than that after the job', timeSec: JOB_SEC + 7_001, afterSec: 500, isTaken: false },
    { what: "the job's, when our clock is far behind", timeSec: JOB_SEC, afterSec: -90_000, isTaken: true },
    { what: 'later, when our clock is far behind', timeSec: JOB_SEC + 1, afterSec: -90_000, isTaken: false }
  ])('of a time $what: $isTaken', ({ timeSec, afterSec, isTaken }) => {
    expect(codeOf(submitCase({ submit: { timeSec } }), afterSec)).toBe(isTaken ? null : 'time-out-of-range')
  })

  it('is never of a time before what bitcoin accepts', () => {
    const known = knownJob({ ...WORK, minTimeSec: JOB_SEC - 5 })
    expect(MIN_SEC).toBeLessThan(JOB_SEC - 60)
    expect(codeOf(submitCase({ known, submit: { timeSec: JOB_SEC - 5 } }))).toBeNull()
    expect(codeOf(submitCase({ known, submit: { timeSec: JOB_SEC - 6 } }))).toBe('time-out-of-range')
  })
})

describe('what an accepted submit is worth', () => {
  const work = { ...WORK, bitcoinTarget: targetFromDifficulty(400), shareTarget: targetFromDifficulty(100) }
  const credit = (difficulty: number, solution: Solution | null, meetsSession: boolean): number =>
    creditOf({
      known: knownJob(work, difficulty),
      verified: { solution, meetsSession, hashDifficulty: 9_999, hashWire: new Uint8Array(32) }
    })

  it('is what it was asked for', () => {
    expect(credit(1_000, null, true)).toBe(1_000)
    expect(credit(1_000, meeting(true, true), true)).toBe(1_000)
  })

  it('is the harder of the targets that a solution met, where it met less than it was asked for', () => {
    expect(credit(1_000, meeting(true, true), false)).toBeCloseTo(400, 6)
    expect(credit(1_000, meeting(true, false), false)).toBeCloseTo(400, 6)
    expect(credit(1_000, meeting(false, true), false)).toBeCloseTo(100, 6)
    expect(credit(300, meeting(true, true), false)).toBe(300)
  })

  it('is never of a target that was not met', () => {
    const creditOn = (bitcoin: number, share: number, solution: Solution): number =>
      creditOf({
        known: knownJob({
          ...WORK,
          bitcoinTarget: targetFromDifficulty(bitcoin),
          shareTarget: targetFromDifficulty(share)
        }),
        verified: { solution, meetsSession: false, hashDifficulty: 9_999, hashWire: new Uint8Array(32) }
      })
    expect(creditOn(100, 400, meeting(true, false))).toBeCloseTo(100, 6)
    expect(creditOn(400, 0.25, meeting(false, true))).toBeCloseTo(0.25, 6)
    expect(creditOn(0.25, 400, meeting(true, false))).toBeCloseTo(0.25, 6)
  })
})
