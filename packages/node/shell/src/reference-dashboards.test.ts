import { A_BLOCK, A_SHARE, address, Rig } from '@p2poolv2/node/testing'
import { createLog, Metrics } from '@p2poolv2/runtime'
import { beforeAll, describe, expect, it } from 'vitest'
import { Telemetry } from './telemetry.ts'
import { evaluate, type Sample, type Scrapes, samplesOf } from './testing/promql.ts'

/** What the dashboards that come with the reference ask. */
const QUERIES = [
  'rate(accepted_difficulty_total[5m])*4294967296',
  'rate(accepted_difficulty_total[1h])*4294967296',
  'count((sum by (btcaddress) (rate(worker_shares_valid_total[5m])) > 0))',
  'count((sum by (btcaddress, workername) (rate(worker_shares_valid_total[5m])) > 0))',
  'time()-start_time_seconds',
  'best_share',
  'best_share_ever',
  'label_replace(worker_shares_valid_total,"btcshort","$1...$2","btcaddress","^(....).*(........)$")',
  'rate(shares_rejected_total[$__rate_interval])/(rate(shares_accepted_total[$__rate_interval])+rate(shares_rejected_total[$__rate_interval]))*100',
  'rate(sharechain_work_total[5m])',
  'work_since_last_block/network_difficulty',
  'coinbase_output/100000000',
  'coinbase_total',
  'pool_difficulty',
  'last_update_seconds',
  'bitcoin_blocks_found_total',
  'bitcoin_block_found_time_seconds',
  'topk(15, sum by(btcaddress)(rate(worker_shares_valid_total[1h])))',
  'user_shares_valid_total',
  'max by(btcaddress)(worker_best_share_ever)',
  'worker_best_share',
  'worker_last_share_at'
]

const APART_SEC = 5
let scrapes: Scrapes
let value: (query: string) => number

beforeAll(async () => {
  const rig = new Rig()
  const telemetry = new Telemetry({
    log: createLog({ level: 'silent', format: 'json' }),
    metrics: new Metrics(),
    areCoinsReal: true,
    clock: { now: () => rig.now },
    blocksOnRecord: 3
  })
  rig.onEffect = effect => {
    if (effect.type === 'report') telemetry.record(effect.fact)
  }
  const scrape = async (): Promise<Sample[]> => samplesOf(await telemetry.exposition(rig.core.queries, 0))
  rig.template()
  rig.connect(1, `${address(1)}.attic`)
  rig.connect(2, `${address(2)}`)
  rig.mine(1, A_BLOCK)
  rig.advance(1_000)
  rig.mine(2, A_SHARE)
  rig.handle({
    type: 'minerLines',
    miner: 2,
    lines: [rig.miner(2).submit({ ...rig.miner(2).grind(A_SHARE), nonce: 1 })]
  })
  const first = await scrape()
  rig.advance(APART_SEC * 1_000)
  rig.mine(1, A_SHARE)
  rig.mine(2, A_SHARE)
  const second = await scrape()
  scrapes = { first, second, apartSec: APART_SEC, nowSec: rig.now.wallMs / 1_000 }
  value = query => {
    const result = evaluate(query, scrapes)
    return typeof result === 'number' ? result : (result[0]?.value ?? Number.NaN)
  }
})

describe('the reference’s dashboards', () => {
  it.each(QUERIES)('have an answer to %s', query => {
    const result = evaluate(query, scrapes)
    if (typeof result === 'number') expect(result).toBeGreaterThan(0)
    else expect(result.length).toBeGreaterThan(0)
    for (const sample of typeof result === 'number' ? [] : result) expect(sample.value).not.toBeNaN()
  })

  it('show the hash rate, the workers and who they are', () => {
    const credited = value('rate(accepted_difficulty_total[5m])*4294967296')
    expect(credited).toBeCloseTo((2 * 1e-9 * 2 ** 32) / APART_SEC, 6)
    expect(value('count((sum by (btcaddress) (rate(worker_shares_valid_total[5m])) > 0))')).toBe(2)
    expect(value('bitcoin_blocks_found_total')).toBe(4)
    const names = evaluate(`worker_shares_valid_total{btcaddress="${address(2)}"}`, scrapes) as readonly Sample[]
    expect(names.map(({ labels }) => labels.get('workername'))).toEqual(['unnamed'])
  })

  it('count effort from the pool’s last block on', () => {
    const since = evaluate('work_since_last_block', scrapes) as readonly Sample[]
    const shares = 3
    expect(since[0]?.value).toBeCloseTo(shares * value('pool_difficulty'), 6)
  })
})

it('an answer to what is not there is no answer', () => {
  expect(evaluate('no_such_metric', scrapes)).toEqual([])
  expect(() => evaluate('sum by (nobody) (worker_shares_valid_total)', scrapes)).toThrow('nobody')
})
