import { type WorkersJson, workersSchema } from '@p2poolv2/api/schema'
import { type Frame, type Series, workersHashrate } from '@p2poolv2/earnings'
import type { NodeStatus, WorkerStats } from '@p2poolv2/node'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import type { Household } from '../reads/household.ts'
import type { NodeReads } from '../reads/node-reads.ts'
import { rateFields } from './earnings-answer.ts'

/** Workers in one answer; of more the ones connected or heard last are. */
export const MAX_WORKERS_SHOWN = 2_000
/** A worker is silent when nothing was accepted for so many times as long as its submits are apart, but not before a minute. */
const SILENT_INTERVALS = 10
const SILENT_SEC = 60

export interface RejectCount {
  readonly code: number
  readonly reason: string
  readonly count: number
}

type Decoded = ReturnType<typeof workersSchema.decode>
type WorkerFields = Decoded['workers'][number]
type Miner = NodeStatus['miners'][number]

/** Names a worker in a path. Addresses have no dot, so the pair is read back from the text in one way only. */
export function workerId(address: string, worker: string): string {
  return `${address}.${worker}`
}

/** Every miner of this node, connected or not, and all of them together. */
export async function workersJson(
  reads: NodeReads,
  household: Household,
  more: { readonly rejects: readonly RejectCount[]; readonly now: Moment }
): Promise<WorkersJson> {
  const { now, rejects } = more
  const frames = await household.lastHour(now)
  const measured = await household.hashrate(null, now)
  const { queries, history, startedAtSec } = reads
  const miners = new Map(queries.status(now).miners.map(miner => [workerId(miner.payoutAddress, miner.worker), miner]))
  const series = new Map(history.series.map(one => [workerId(one.address, one.worker), one]))
  const stats = queries.workers(now)
  const known = stats.map(worker => {
    const id = workerId(worker.payoutAddress, worker.worker)
    return workerFields(worker, { id, miner: miners.get(id), series: series.get(id), frames, startedAtSec, now })
  })
  for (const { id } of known) series.delete(id)
  const before = [...series.values()].map(one => goneFields(one, frames))
  const totals = queries.totals(now)
  return workersSchema.encode({
    household: {
      ...countedFields(totals),
      connections: totals.connections,
      workers: stats.filter(({ connections }) => connections > 0).length,
      measured: rateFields(measured),
      since: startedAtSec,
      rejects: [...rejects]
    },
    workers: byHearing([...known, ...before]).slice(0, MAX_WORKERS_SHOWN)
  })
}

/** Connected ones in the order in which they came, then the one heard last. */
function byHearing(workers: readonly WorkerFields[]): WorkerFields[] {
  const connected = workers.filter(({ connections }) => connections > 0)
  const gone = workers.filter(({ connections }) => connections === 0)
  return [...connected, ...gone.sort((a, b) => (b.lastSeen ?? 0) - (a.lastSeen ?? 0))]
}

interface WorkerFacts {
  readonly id: string
  readonly miner: Miner | undefined
  readonly series: Series | undefined
  readonly frames: readonly Frame[]
  readonly startedAtSec: number
  readonly now: Moment
}

function workerFields(stats: WorkerStats, { id, miner, series, frames, startedAtSec, now }: WorkerFacts): WorkerFields {
  const lastShare = stats.lastAcceptedAtMs === null ? null : secFromMs(stats.lastAcceptedAtMs)
  return {
    id,
    name: stats.worker,
    address: stats.payoutAddress,
    state:
      stats.connections === 0
        ? 'offline'
        : isSilent(stats, Math.min(startedAtSec, series?.firstSec ?? startedAtSec), now)
          ? 'silent'
          : 'online',
    connections: stats.connections,
    ...countedFields(stats),
    measured: measuredFields(series, frames),
    firstSeen: series?.firstSec ?? null,
    lastSeen: lastShare ?? series?.lastSec ?? null,
    userAgent: miner?.userAgent ?? null,
    difficulty: miner?.difficulty ?? null,
    work: miner?.work ?? null,
    warnings: [...(miner?.warnings ?? [])]
  }
}

function goneFields(series: Series, frames: readonly Frame[]): WorkerFields {
  return {
    id: workerId(series.address, series.worker),
    name: series.worker,
    address: series.address,
    state: 'offline',
    connections: 0,
    hashrate: { m1: 0, m5: 0, h1: 0, d1: 0 },
    accepted: 0,
    rejected: 0,
    workDifficulty: 0,
    bestDifficulty: 0,
    lastShare: null,
    measured: measuredFields(series, frames),
    firstSeen: series.firstSec,
    lastSeen: series.lastSec,
    userAgent: null,
    difficulty: null,
    work: null,
    warnings: []
  }
}

function countedFields(stats: Omit<WorkerStats, 'payoutAddress' | 'worker' | 'goneAtMs'>) {
  const { hashrates, accepted, rejected, creditedDifficulty, bestDifficulty, lastAcceptedAtMs } = stats
  return {
    hashrate: hashrates,
    accepted,
    rejected,
    workDifficulty: creditedDifficulty,
    bestDifficulty,
    lastShare: lastAcceptedAtMs === null ? null : secFromMs(lastAcceptedAtMs)
  }
}

function measuredFields(series: Series | undefined, frames: readonly Frame[]): WorkerFields['measured'] {
  const rate = series === undefined ? null : workersHashrate(frames, [series.id])
  return rate === null ? null : rateFields(rate)
}

/**
 * Judged by how far apart its accepted submits were so far. One that never had any is told from one that just came by what was
 * rejected.
 */
function isSilent(stats: WorkerStats, sinceSec: number, now: Moment): boolean {
  if (stats.lastAcceptedAtMs === null) return stats.rejected > 0
  const apartSec = (stats.lastAcceptedAtMs / 1_000 - sinceSec) / stats.accepted
  return now.wallMs - stats.lastAcceptedAtMs > Math.max(SILENT_SEC, SILENT_INTERVALS * apartSec) * 1_000
}
