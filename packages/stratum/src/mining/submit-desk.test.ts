import { blockHash, hexToBytes, steadyMs, targetFromDifficulty, unixMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { ADDRESS, authorise, OTHER_ADDRESS } from '../testing/session-rig.ts'
import {
  jobOf,
  PREV_HASH_B,
  TEMPLATE_A,
  TEMPLATE_V3,
  V1,
  V1_DIFFICULTY,
  V3,
  V3_HASH,
  workOf
} from '../testing/vectors.ts'
import { STALE_GRACE_MS } from './job-registry.ts'
import type { Submit } from './submit.ts'
import { type Judged, SubmitDesk } from './submit-desk.ts'
import { WorkerNames } from './worker-names.ts'

const PREFIX = hexToBytes('0a000001')
const MASK = 0x1fff_e000

const submitOf = ([extranonce, time, nonce]: readonly [string, string, string]): Submit => ({
  jobId: 'a',
  extranonce: hexToBytes(extranonce),
  timeSec: Number.parseInt(time, 16),
  nonce: Number.parseInt(nonce, 16),
  versionBits: null
})
const SHARE = submitOf(V1)
const BLOCK = submitOf(V3)

class Desk {
  readonly workers = new WorkerNames()
  readonly desk = new SubmitDesk({ prefix: PREFIX, minerBytes: 8 }, { workers: this.workers, sha256d: undefined })
  #nowMs = 0

  constructor(template = TEMPLATE_A, difficulty = 1) {
    const answer = authorise({ user: ADDRESS, worker: 'attic', shareAddress: null })
    if (!answer.ok) throw new Error('the address is known')
    this.workers.add(`${ADDRESS}.attic`, ADDRESS, answer.identity)
    this.desk.jobs.add(jobOf(workOf(template), 'a'), {
      difficulty,
      target: targetFromDifficulty(difficulty),
      nowMs: steadyMs(0)
    })
  }

  /** Another block came, and the time for what was on its way is over. */
  goStale(): this {
    this.desk.jobs.newBlock(blockHash(PREV_HASH_B), steadyMs(0))
    this.#nowMs = STALE_GRACE_MS + 1
    return this
  }

  judge(submit: Submit, name = `${ADDRESS}.attic`): Judged {
    const wallMs = unixMs(TEMPLATE_A.timeSec * 1000)
    return this.desk.judge(submit, name, { wallMs, steadyMs: steadyMs(this.#nowMs), versionMask: MASK })
  }
}

const said = ({ refusal, worker, solution, shown, reached }: Judged) => [
  refusal?.code ?? 'accepted',
  worker,
  solution !== null,
  shown,
  reached
]

describe('a submit at the desk', () => {
  it('that is accepted shows what it was asked for, and reaches what it is', () => {
    const judged = new Desk().judge(SHARE)
    expect(said({ ...judged, reached: 0 })).toEqual(['accepted', 'attic', false, 1, 0])
    expect(judged.reached).toBeCloseTo(V1_DIFFICULTY, 5)
  })

  it('is nothing the second time, whatever it names', () => {
    const desk = new Desk()
    desk.judge(SHARE)
    expect(said(desk.judge(SHARE))).toEqual(['duplicate', 'attic', false, 0, 0])
    expect(said(desk.judge(SHARE, ADDRESS))).toEqual(['duplicate', 'attic', false, 0, 0])
  })

  it('that is too easy, or of a wrong time, shows nothing and is not remembered', () => {
    const hard = new Desk(TEMPLATE_A, 2)
    for (const _ of [1, 2]) expect(said(hard.judge(SHARE))).toEqual(['low-difficulty', 'attic', false, 0, 0])
    const early = { ...SHARE, timeSec: SHARE.timeSec - 61 }
    const desk = new Desk(TEMPLATE_A, 1e-9)
    for (const _ of [1, 2]) expect(said(desk.judge(early))).toEqual(['time-out-of-range', 'attic', false, 0, 0])
  })

  it('that comes too late shows the work that was done for it, once', () => {
    const desk = new Desk().goStale()
    expect(said(desk.judge(SHARE))).toEqual(['stale', 'attic', false, 1, 0])
    expect(said(desk.judge(SHARE))).toEqual(['stale', 'attic', false, 0, 0])
    expect(said(new Desk(TEMPLATE_A, 2).goStale().judge(SHARE))).toEqual(['stale', 'attic', false, 0, 0])
  })

  it('that is a block is handed up once, however it is refused', () => {
    const late = new Desk(TEMPLATE_V3, 1e-6).goStale()
    const { solution } = late.judge(BLOCK)
    expect(solution).toMatchObject({ worker: 'attic', difficulty: 1e-6, solution: { meetsBitcoin: true } })
    expect(said(late.judge(BLOCK))).toEqual(['stale', 'attic', false, 0, 0])
    const easy = new Desk(TEMPLATE_V3, 1e6)
    expect(said({ ...easy.judge(BLOCK), shown: 0, reached: 0 })).toEqual(['accepted', 'attic', true, 0, 0])
    expect(said(easy.judge(BLOCK))).toEqual(['duplicate', 'attic', false, 0, 0])
    const hard = new Desk(TEMPLATE_V3, 1e6).goStale()
    // Below what it was asked for it shows no work.
    expect(said(hard.judge(BLOCK))).toEqual(['stale', 'attic', true, 0, 0])
    expect(said(hard.judge(BLOCK))).toEqual(['stale', 'attic', false, 0, 0])
  })

  it('under a name that is not here is nobody’s, but a block in it is not lost', () => {
    const desk = new Desk(TEMPLATE_V3, 1e-6)
    const judged = desk.judge(BLOCK, OTHER_ADDRESS)
    expect(said(judged)).toEqual(['unauthorised', '', true, 0, 0])
    expect(judged.solution).toMatchObject({ worker: 'attic' })
    expect(said(desk.judge({ ...BLOCK, jobId: 'none' }, OTHER_ADDRESS))).toEqual(['unauthorised', '', false, 0, 0])
    expect(said(desk.judge({ ...BLOCK, jobId: 'none' }))).toEqual(['job-unknown', 'attic', false, 0, 0])
  })

  it('before anybody is known is nobody’s', () => {
    const desk = new SubmitDesk({ prefix: PREFIX, minerBytes: 8 }, { workers: new WorkerNames(), sha256d: undefined })
    const moment = { wallMs: unixMs(0), steadyMs: steadyMs(0), versionMask: 0 }
    expect(said(desk.judge(SHARE, ADDRESS, moment))).toEqual(['unauthorised', '', false, 0, 0])
  })
})

describe('the desk', () => {
  it('takes no extranonce of another length', () => {
    const { desk, workers } = new Desk()
    const short = { prefix: PREFIX, minerBytes: 7 }
    expect(() => new SubmitDesk(short, { workers, sha256d: undefined })).toThrow()
    const fresh = new SubmitDesk(desk.extranonce, { workers, sha256d: undefined })
    expect(() => fresh.takeExtranonce(short)).toThrow()
  })

  it('names a block by its hash', () => {
    const { solution } = new Desk(TEMPLATE_V3, 1e-6).judge(BLOCK)
    expect(solution?.solution.hashWire).toEqual(hexToBytes(V3_HASH).reverse())
  })
})
