import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_WORKERS } from '../mining/worker-names.ts'
import { ADDRESS, kindsOf, OTHER_ADDRESS, type SentLine, SessionRig } from '../testing/session-rig.ts'
import { PREV_HASH_B, TEMPLATE_A, TEMPLATE_V3, V1, V3, workOf } from '../testing/vectors.ts'
import { ANSWER_WITHIN_MS, MAX_HELD_CHARS } from './reply-order.ts'

const configure = { id: 0, method: 'mining.configure', params: [['version-rolling'], {}] }
const subscribe = { id: 1, method: 'mining.subscribe', params: ['t/1'] }
const authorise = { id: 2, method: 'mining.authorize', params: [`${ADDRESS}.w`, 'd=512'] }
const ping = { id: 3, method: 'mining.ping', params: [] }

function later(options: ConstructorParameters<typeof SessionRig>[0] = {}): SessionRig {
  return new SessionRig({ ...options, authorise: () => 'later' })
}

/** Mines as ADDRESS.w; further names are looked up late. */
function mining(options: ConstructorParameters<typeof SessionRig>[0] = {}): SessionRig {
  const rig = later(options)
  rig.read(subscribe, { ...authorise, params: [`${ADDRESS}.w`, 'd=0.001'] })
  rig.answer(0)
  return rig
}

describe('while an authorisation waits for its answer', () => {
  it('replies before it are sent and replies after it follow it', () => {
    const rig = later()
    expect(kindsOf(rig.read(configure, subscribe, authorise, ping))).toEqual([0, 1])
    expect(rig.read({ ...ping, id: 4 })).toEqual([])
    expect(kindsOf(rig.answer(0))).toEqual([2, 3, 4, 'set_difficulty', 'notify'])
    expect(rig.session.difficulty).toBe(512)
  })

  it('replies to several come in the order of the requests, whichever is answered first', () => {
    const rig = later()
    rig.read(subscribe, authorise, ping, { ...authorise, id: 5, params: [`${ADDRESS}.b`, 'd=7'] }, { ...ping, id: 6 })
    expect(rig.answer(1)).toEqual([])
    expect(kindsOf(rig.answer(0)).slice(0, 4)).toEqual([2, 3, 5, 6])
    // The password of the first name counts, also when the second was answered first.
    expect(rig.session.difficulty).toBe(512)
    expect(rig.session.identity?.worker).toBe('w')
  })

  it('a refusal is told in its place, and the next name gets its chance', () => {
    const rig = later()
    rig.read(subscribe, { ...authorise, params: ['typo', 'x'] }, { ...authorise, id: 5 })
    expect(rig.answer(1)).toEqual([])
    const [refused, taken] = rig.answer(0, { ok: false, message: 'Not an address: typo' })
    expect(refused).toMatchObject({ id: 2, result: false, error: [24, 'Not an address: typo', null] })
    expect(taken).toMatchObject({ id: 5, result: true })
  })

  it('no work is given, and the miner is not blamed for the wait', () => {
    const rig = later()
    rig.read(subscribe, authorise)
    rig.renew()
    expect(rig.writes).toHaveLength(1)
    rig.pass(ANSWER_WITHIN_MS - 1)
    expect(rig.closed).toBe(null)
    expect(kindsOf(rig.answer(0))).toEqual([2, 'set_difficulty', 'notify'])
  })

  it('another payee than the one that mines is refused when the answer comes', () => {
    const rig = mining()
    rig.request(5, 'mining.authorize', [OTHER_ADDRESS])
    expect(rig.answer(1)[0]?.error?.[1]).toBe('Address already set')
  })
})

describe('who mines while a further name is looked up', () => {
  const further = { id: 5, method: 'mining.authorize', params: [`${ADDRESS}.second`] }

  it('has a block handed up at once, and the reply in its turn', () => {
    const rig = mining({ work: workOf(TEMPLATE_V3) })
    expect(rig.read(further, { id: 6, method: 'mining.submit', params: [`${ADDRESS}.w`, rig.jobId, ...V3] })).toEqual(
      []
    )
    expect(rig.solutions).toHaveLength(1)
    expect(rig.solutions[0]?.meetsBitcoin).toBe(true)
    expect(rig.answer(1)).toMatchObject([
      { id: 5, result: true },
      { id: 6, result: true }
    ])
  })

  it('gets the work of a new block at once', () => {
    const rig = mining()
    rig.read(further)
    const sent = rig.renew({ work: workOf({ ...TEMPLATE_A, prevHash: PREV_HASH_B }), cleanJobs: true })
    expect(kindsOf(sent)).toEqual(['notify'])
  })

  it('is credited for a submit under the new name as without it, until it is known', () => {
    const rig = mining()
    rig.read(further)
    rig.submit(V1, { name: `${ADDRESS}.second` })
    expect(rig.effects.at(-1)).toMatchObject({ type: 'accepted', worker: 'w' })
  })
})

describe('an answer that does not come', () => {
  it('is not waited for longer than firmware waits', () => {
    const rig = later()
    rig.read(subscribe, authorise, ping)
    const sent = rig.pass(ANSWER_WITHIN_MS)
    expect(sent[0]).toMatchObject({ id: 2, result: false, error: [24, expect.stringContaining('try again'), null] })
    expect(sent[1]).toMatchObject({ id: 3, result: 'pong' })
    expect(rig.answer(0)).toEqual([])
    expect(rig.session.identity).toBeNull()
  })

  it('is no reason to close before the time for logging in is over', () => {
    const rig = later()
    rig.read(subscribe)
    for (let tries = 0; tries < 2; tries++) {
      rig.read(authorise)
      rig.pass(ANSWER_WITHIN_MS)
    }
    expect(rig.closed).toBe(null)
    rig.pass(60_000)
    expect(rig.closed).toBe('no-authorise')
  })

  it('holds no more than its bound, and then nothing is lost but the answer', () => {
    const rig = later()
    rig.read(subscribe, authorise)
    const id = 'x'.repeat(4_000)
    const sent: SentLine[] = []
    for (let count = 0; count < 20; count++) sent.push(...rig.read({ ...ping, id }))
    expect(sent[0]).toMatchObject({ id: 2, result: false })
    expect(sent).toHaveLength(21)
    expect(20 * id.length).toBeGreaterThan(MAX_HELD_CHARS)
  })

  it('gives up the oldest of more names than a connection may have', () => {
    const rig = later()
    rig.read(subscribe)
    const names = Array.from({ length: MAX_WORKERS }, (_, n) => ({ ...authorise, id: n, params: [`${ADDRESS}.w${n}`] }))
    expect(rig.read(...names)).toEqual([])
    expect(kindsOf(rig.read({ ...authorise, id: 999 }))).toEqual([0])
  })

  it('does not keep a connection from being closed, with all replies in order', () => {
    const rig = later()
    const sent = rig.read(subscribe, authorise, ping, 'no json')
    expect(kindsOf(sent)).toEqual([1, 2, 3, null])
    expect(rig.closed).toBe('not-json')
    expect(rig.answer(0)).toEqual([])
  })
})

it('replies keep the order of the requests whatever is sent and whenever it is answered', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('authorise', 'ping', 'submit', 'nonsense') },
    { weight: 2, arbitrary: fc.nat(8) }
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const rig = later()
      const ids: number[] = []
      const replies: unknown[] = []
      const take = (sent: readonly SentLine[]): void => {
        replies.push(...sent.filter(({ method }) => method === undefined).map(({ id }) => id))
      }
      const ask = (method: string, params: unknown): void => {
        ids.push(ids.length + 10)
        take(rig.request(ids.at(-1), method, params))
      }
      ask('mining.subscribe', [])
      for (const next of steps) {
        if (next === 'authorise') ask('mining.authorize', [`${ADDRESS}.${ids.length}`])
        else if (next === 'ping') ask('mining.ping', [])
        else if (next === 'submit') ask('mining.submit', [ADDRESS, rig.jobId, ...V1])
        else if (next === 'nonsense') ask('mining.nonsense', [])
        else if (typeof next === 'number' && next < rig.questions.length) take(rig.answer(next))
      }
      for (const index of rig.questions.keys()) take(rig.answer(index))
      expect(replies).toEqual(ids)
    })
  )
})
