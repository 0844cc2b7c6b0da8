import { type Frame, householdHashrate, workersHashrate } from '@p2poolv2/earnings'
import type { WorkerStats } from '@p2poolv2/node'
import { secFromMs } from '@p2poolv2/primitives'
import type { FastifyInstance } from 'fastify'
import { NoAnswer } from '../answering.ts'
import type { NodeReads } from '../reads/node-reads.ts'

/** Times over which something is measured, in seconds. */
const MINUTE_SEC = 60
const QUARTER_SEC = 900
const HOUR_SEC = 3_600
const SIX_HOURS_SEC = 21_600
const WEEK_SEC = 604_800

/**
 * What ckpool writes into its log directory, under the same paths: for the pages and dashboards that read it over HTTP. Rates have
 * suffixes, shares are sums of difficulty.
 */
export function ckpoolRoutes(server: FastifyInstance, reads: NodeReads): void {
  server.get('/pool/pool.status', async (_request, reply) => {
    const lines = await poolStatus(reads)
    return reply.type('text/plain; charset=utf-8').send(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  })
  server.get<{ Params: { address: string } }>('/users/:address', async ({ params: { address } }) =>
    userStatus(reads, address)
  )
}

async function poolStatus(reads: NodeReads): Promise<object[]> {
  const { queries, clock, startedAtSec, history } = reads
  const now = clock.now()
  const nowSec = secFromMs(now.wallMs)
  const totals = queries.totals(now)
  const workers = queries.workers(now)
  const online = workers.filter(({ connections }) => connections > 0)
  const isIdle = ({ lastAcceptedAtMs }: WorkerStats): boolean =>
    lastAcceptedAtMs === null || now.wallMs - lastAcceptedAtMs > 60_000
  const { bitcoinDifficulty } = queries.work()
  const hour = await history.store.readFrames('minute', { fromSec: nowSec - HOUR_SEC, toSec: nowSec })
  const perSec = (sec: number): number => sharesPerSec(hour.filter(({ startSec }) => startSec >= nowSec - sec))
  const over = (sec: number): Promise<number> => measured(reads, null, sec)
  return [
    {
      runtime: nowSec - startedAtSec,
      lastupdate: nowSec,
      Users: new Set(online.map(({ payoutAddress }) => payoutAddress)).size,
      Workers: online.length,
      Idle: online.filter(isIdle).length,
      Disconnected: workers.length - online.length
    },
    {
      hashrate1m: suffixed(totals.hashrates.m1),
      hashrate5m: suffixed(totals.hashrates.m5),
      hashrate15m: suffixed(await over(QUARTER_SEC)),
      hashrate1hr: suffixed(totals.hashrates.h1),
      hashrate6hr: suffixed(await over(SIX_HOURS_SEC)),
      hashrate1d: suffixed(totals.hashrates.d1),
      hashrate7d: suffixed(await over(WEEK_SEC))
    },
    {
      // Accepted work in percent of what a block takes.
      diff: bitcoinDifficulty === 0 ? 0 : twoDigits((totals.creditedDifficulty / bitcoinDifficulty) * 100),
      accepted: Math.round(totals.creditedDifficulty),
      rejected: totals.rejected,
      bestshare: Math.round(totals.bestDifficulty),
      SPS1m: perSec(2 * MINUTE_SEC),
      SPS5m: perSec(5 * MINUTE_SEC),
      SPS15m: perSec(QUARTER_SEC),
      SPS1h: perSec(HOUR_SEC)
    }
  ]
}

async function userStatus(reads: NodeReads, address: string): Promise<object> {
  const { queries, clock, history } = reads
  const now = clock.now()
  const workers = queries.workers(now).filter(({ payoutAddress }) => payoutAddress === address)
  const series = history.series.filter(one => one.address === address)
  if (workers.length === 0 && series.length === 0) throw new NoAnswer(404, 'nobody mines for that address here')
  const rows = await Promise.all(
    workers.map(async stats => {
      const id = series.find(({ worker }) => worker === stats.worker)?.id
      const week = id === undefined ? 0 : await measured(reads, [id], WEEK_SEC)
      const before = id === undefined ? 0 : (history.records.workers.get(id) ?? 0)
      return { stats, week, best: Math.max(stats.bestDifficulty, before) }
    })
  )
  const sum = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((all, row) => all + of(row), 0)
  const most = (of: (row: (typeof rows)[number]) => number): number => Math.max(0, ...rows.map(of))
  const all = (window: keyof WorkerStats['hashrates']): number => sum(({ stats }) => stats.hashrates[window])
  return {
    ...rates(
      { m1: all('m1'), m5: all('m5'), h1: all('h1'), d1: all('d1') },
      sum(({ week }) => week)
    ),
    lastshare: most(({ stats }) => lastShareSec(stats)),
    workers: workers.filter(({ connections }) => connections > 0).length,
    shares: Math.round(sum(({ stats }) => stats.creditedDifficulty)),
    bestshare: most(({ stats }) => stats.bestDifficulty),
    bestever: Math.round(most(({ best }) => best)),
    authorised: Math.min(secFromMs(now.wallMs), ...series.map(({ firstSec }) => firstSec)),
    worker: rows.map(({ stats, week, best }) => ({
      workername: stats.worker === '' ? address : `${address}.${stats.worker}`,
      ...rates(stats.hashrates, week),
      lastshare: lastShareSec(stats),
      shares: Math.round(stats.creditedDifficulty),
      bestshare: stats.bestDifficulty,
      bestever: Math.round(best)
    }))
  }
}

function rates({ m1, m5, h1, d1 }: Pick<WorkerStats['hashrates'], 'm1' | 'm5' | 'h1' | 'd1'>, week: number) {
  return {
    hashrate1m: suffixed(m1),
    hashrate5m: suffixed(m5),
    hashrate1hr: suffixed(h1),
    hashrate1d: suffixed(d1),
    hashrate7d: suffixed(week)
  }
}

/** @param ids of workers in the history; null: all */
async function measured({ history, clock }: NodeReads, ids: readonly number[] | null, sec: number): Promise<number> {
  const toSec = secFromMs(clock.now().wallMs)
  const level = sec > SIX_HOURS_SEC ? 'hour' : 'minute'
  const frames = await history.store.readFrames(level, { fromSec: toSec - sec, toSec }, ids ?? undefined)
  return (ids === null ? householdHashrate(frames) : workersHashrate(frames, ids))?.hps ?? 0
}

/** Of the minutes that are over. */
function sharesPerSec(frames: readonly Frame[]): number {
  const observedMs = frames.reduce((sum, frame) => sum + frame.observedMs, 0)
  const accepted = frames.reduce((sum, { household }) => sum + household.accepted, 0)
  return observedMs === 0 ? 0 : twoDigits(accepted / (observedMs / 1_000))
}

function lastShareSec({ lastAcceptedAtMs }: WorkerStats): number {
  return lastAcceptedAtMs === null ? 0 : secFromMs(lastAcceptedAtMs)
}

const SUFFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z'] as const

/** "1.21T": three digits and the power of a thousand. */
function suffixed(hps: number): string {
  let [value, step] = [hps, 0]
  for (; value >= 999.5 && step < SUFFIXES.length - 1; step++) value /= 1_000
  return `${Number(value.toPrecision(3))}${SUFFIXES[step]}`
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2))
}
