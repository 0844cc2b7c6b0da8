import { difficultyOfHash, hexToBytes, sha256d } from '@p2poolv2/primitives'
import { headerFor, parseNotify } from '@p2poolv2/stratum/client'
import { afterEach, expect, it } from 'vitest'
import { Crowd } from './crowd.ts'
import type { FromCrowd, Roots, Tally, ToCrowd } from './crowd-contract.ts'
import { ScriptedPool, type Verdict } from './testing/scripted-pool.ts'

/** About sixteen hashes a share. */
const DIFFICULTY = 16 / 2 ** 32

let pool: ScriptedPool | null = null
afterEach(() => pool?.close())

interface Rig {
  readonly ask: <T extends FromCrowd['type']>(m: ToCrowd, type: T) => Promise<Extract<FromCrowd, { type: T }>>
  readonly tell: (message: ToCrowd) => void
  readonly tally: () => Promise<Tally>
}

async function rig(
  miners: number,
  verdict: (submit: number) => Verdict,
  { userPrefix = 'addr.w', roots = 'one' }: { readonly userPrefix?: string; readonly roots?: Roots } = {}
): Promise<Rig> {
  pool = new ScriptedPool({ difficulty: DIFFICULTY, verdict })
  const port = await pool.listen()
  const waiting = new Map<string, (message: FromCrowd) => void>()
  const crowd = new Crowd(
    {
      host: '127.0.0.1',
      port,
      miners,
      firstMiner: 1,
      userPrefix,
      password: 'x',
      userAgent: 'test',
      roots,
      connectAtOnce: 2
    },
    message => waiting.get(message.type)?.(message)
  )
  const ask: Rig['ask'] = (message, type) =>
    new Promise(resolve => {
      waiting.set(type, answer => resolve(answer as never))
      crowd.handle(message)
    })
  return {
    ask,
    tell: message => crowd.handle(message),
    tally: async () => (await ask({ type: 'tally' }, 'tally')).tally
  }
}

it('every share sent meets the difficulty told, and the ledger has every answer', async () => {
  const { ask, tell, tally } = await rig(5, submit => (submit % 3 === 0 ? 'refuse' : 'accept'))
  expect((await ask({ type: 'connect' }, 'connected')).working).toBe(5)
  tell({ type: 'work', sharesPerSec: null, quota: 9 })
  await ask({ type: 'rest', waitMs: 60_000 }, 'rested')
  const { sent, accepted, rejected, unanswered, latencies } = await tally()
  expect({ sent, accepted, rejected, unanswered }).toEqual({
    sent: 45,
    accepted: 30,
    rejected: { Stale: 15 },
    unanswered: 0
  })
  expect(latencies.counts.reduce((sum, count) => sum + count, 0)).toBe(45)
  const job = parseNotify([
    'job1',
    '11'.repeat(32),
    '01000000',
    '00ffff',
    ['22'.repeat(32)],
    '20000000',
    '1e0377ae',
    '65000000',
    true
  ])
  const submits = pool?.submits ?? []
  expect(submits).toHaveLength(45)
  for (const { params } of submits) {
    const [jobId, extranonce2 = '', time, nonce = ''] = params
    expect([jobId, time]).toEqual(['job1', '65000000'])
    if (job === null) throw new Error('the job of the test is one')
    const header = headerFor(job, hexToBytes('8b8e0b6b'), hexToBytes(extranonce2))
    header.set(hexToBytes(nonce).reverse(), 76)
    expect(difficultyOfHash(sha256d(header))).toBeGreaterThanOrEqual(DIFFICULTY)
  }
  expect(new Set(submits.map(({ user }) => user)).size).toBe(5)
  expect(new Set(submits.map(({ user, params }) => `${user} ${params.join()}`)).size).toBe(45)
})

it('a share under a root of its own is as good as many under one', async () => {
  const { ask, tell } = await rig(2, () => 'accept', { roots: 'each' })
  await ask({ type: 'connect' }, 'connected')
  tell({ type: 'work', sharesPerSec: null, quota: 5 })
  await ask({ type: 'rest', waitMs: 60_000 }, 'rested')
  const submits = pool?.submits ?? []
  expect(new Set(submits.map(({ user, params }) => `${user} ${params[1]}`)).size).toBe(10)
})

it('what is never answered is told', async () => {
  let whenAllIgnored = (): void => {}
  const allIgnored = new Promise<void>(resolve => {
    whenAllIgnored = resolve
  })
  let ignored = 0
  const { ask, tell, tally } = await rig(3, submit => {
    if (submit === 2 && ++ignored === 3) whenAllIgnored()
    return submit === 2 ? 'ignore' : 'accept'
  })
  await ask({ type: 'connect' }, 'connected')
  tell({ type: 'work', sharesPerSec: null, quota: 5 })
  await allIgnored
  await ask({ type: 'rest', waitMs: 0 }, 'rested')
  const { sent, accepted, unanswered } = await tally()
  expect({ sent, accepted, unanswered }).toEqual({ sent: 6, accepted: 3, unanswered: 3 })
})

it('a miner that is refused is told as lost, and the others work', async () => {
  const { ask, tally } = await rig(2, () => 'accept', { userPrefix: 'nobody.' })
  expect((await ask({ type: 'connect' }, 'connected')).working).toBe(1)
  expect((await tally()).lost).toEqual({ 'authorisation refused: no reason given': 1 })
})

it('of a new block each miner has a time for its first job and one for its first with transactions', async () => {
  const { ask, tell, tally } = await rig(4, () => 'accept')
  await ask({ type: 'connect' }, 'connected')
  tell({ type: 'count' })
  pool?.notify('33', { full: false })
  pool?.notify('33', { full: true })
  // The pool answers in order, so who has these answers has read the jobs.
  tell({ type: 'work', sharesPerSec: null, quota: 1 })
  await ask({ type: 'rest', waitMs: 60_000 }, 'rested')
  const { blocks } = await tally()
  expect(
    blocks.map(({ prevHash, anyJobAtMs, fullJobAtMs }) => [prevHash, anyJobAtMs.length, fullJobAtMs.length])
  ).toEqual([['33'.repeat(32), 4, 4]])
})
