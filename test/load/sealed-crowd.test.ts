import { blockHash } from '@p2poolv2/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import { blockHashOfNotify } from '../../apps/load/src/block-clock.ts'
import { Crowd } from '../../apps/load/src/crowd.ts'
import type { FromCrowd, Tally, ToCrowd, V2ChannelKind } from '../../apps/load/src/crowd-contract.ts'
import { PREV_HASH_2, V2Pool, workOn } from '../../packages/stratum/tcp/src/testing/v2-pool.ts'

const MINERS = 4
const QUOTA = 6
const ACCEPTED = MINERS * QUOTA
/** A share, its head, and the two seals. */
const SHARE_FRAME_BYTES = { extended: 6 + 33 + 32, standard: 6 + 24 + 32 }
const STALE_AFTER_MS = 10_000

let pool: V2Pool | null = null
afterEach(() => pool?.stop())

interface Told {
  readonly pool: V2Pool
  readonly ask: <T extends FromCrowd['type']>(m: ToCrowd, type: T) => Promise<Extract<FromCrowd, { type: T }>>
  readonly work: () => Promise<Tally>
}

async function crowd(channel: V2ChannelKind, user = 'bc1qexampleaddr.load-'): Promise<Told> {
  const opened = await new V2Pool().start()
  pool = opened
  const waiting = new Map<string, (message: FromCrowd) => void>()
  const miners = new Crowd(
    {
      host: '127.0.0.1',
      port: opened.v2Port,
      miners: MINERS,
      firstMiner: 1,
      userPrefix: user,
      password: 'x',
      userAgent: 'test',
      roots: 'one',
      v2: { authorityKey: null, channel },
      connectAtOnce: 2
    },
    message => waiting.get(message.type)?.(message)
  )
  const ask: Told['ask'] = (message, type) =>
    new Promise(resolve => {
      waiting.set(type, answer => resolve(answer as never))
      miners.handle(message)
    })
  const work = async (): Promise<Tally> => {
    miners.handle({ type: 'work', sharesPerSec: null, quota: QUOTA })
    await ask({ type: 'rest', waitMs: 60_000 }, 'rested')
    return (await ask({ type: 'tally' }, 'tally')).tally
  }
  return { pool: opened, ask, work }
}

describe.each(['extended', 'standard'] as const)('a crowd with %s channels', channel => {
  it('mines shares, has an answer to each in its ledger, and the bytes that they took', async () => {
    const { pool, ask, work } = await crowd(channel)
    expect((await ask({ type: 'connect' }, 'connected')).working).toBe(MINERS)
    await ask({ type: 'count' }, 'counting')
    const { sent, accepted, rejected, unanswered, unmatched, writtenBytes } = await work()
    expect({ sent, accepted, rejected, unanswered, unmatched }).toEqual({
      ...{ sent: ACCEPTED, accepted: ACCEPTED },
      ...{ rejected: {}, unanswered: 0, unmatched: 0 }
    })
    expect(writtenBytes).toBe(ACCEPTED * SHARE_FRAME_BYTES[channel])
    expect(pool.facts.filter(({ type }) => type === 'accepted')).toHaveLength(ACCEPTED)
    expect(pool.sessions.map(session => session.accepted)).toEqual(Array(MINERS).fill(QUOTA))
  })

  it('tells refused shares by the server’s words', async () => {
    const { pool, ask, work } = await crowd(channel)
    await ask({ type: 'connect' }, 'connected')
    pool.newBlock(blockHash(PREV_HASH_2))
    pool.pass(STALE_AFTER_MS)
    expect(await work()).toMatchObject({ accepted: 0, rejected: { 'stale-share': ACCEPTED }, unanswered: 0 })
  })

  it('has a time for each miner’s first job on a new block', async () => {
    const { pool, ask, work } = await crowd(channel)
    await ask({ type: 'connect' }, 'connected')
    pool.renew(workOn(PREV_HASH_2, { id: 2 }), true)
    // A miner reads in order, so who has these answers has read the jobs.
    const { blocks } = await work()
    const full = channel === 'extended' ? MINERS : 0
    expect(
      blocks.map(({ prevHash, anyJobAtMs, fullJobAtMs }) => [
        blockHashOfNotify(prevHash),
        anyJobAtMs.length,
        fullJobAtMs.length
      ])
    ).toEqual([[PREV_HASH_2, MINERS, full]])
  })
})

it('a miner that is refused is told as lost', async () => {
  const { ask } = await crowd('extended', 'nobody.')
  expect((await ask({ type: 'connect' }, 'connected')).working).toBe(0)
  expect((await ask({ type: 'tally' }, 'tally')).tally.lost).toEqual({ 'channel refused: unknown-user': MINERS })
})
