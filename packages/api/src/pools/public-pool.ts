import { type Frame, householdHashrate, type MeasuredHashrate, workersHashrate } from '@p2poolv2/earnings'
import type { NodeStatus, WorkerStats } from '@p2poolv2/node'
import { HASHES_PER_DIFFICULTY, secFromMs } from '@p2poolv2/primitives'
import type { FastifyInstance } from 'fastify'
import { NoAnswer } from '../answering.ts'
import { isSubmittedHere } from '../answers/blocks-answer.ts'
import { workerId } from '../answers/workers-answer.ts'
import type { NodeReads } from '../reads/node-reads.ts'

/** Blocks and machines named in an answer. */
const MAX_BLOCKS = 100
const MAX_HIGH_SCORES = 10
/** A chart is of a day, a point each ten minutes. */
const CHART_SEC = 86_400
const POINT_SEC = 600
/** Between two bitcoin blocks. */
const BLOCK_SEC = 600

interface ChartPoint {
  /** ISO time of its beginning. */
  readonly label: string
  /** Hashes a second. */
  readonly data: number
}

interface ClientPath {
  readonly Params: { readonly address: string; readonly worker: string }
}

/**
 * The read interface of public-pool, for the pages, widgets and home automation that know it. What it says of a session is said
 * of a worker here, and the session id is the worker's.
 */
export function publicPoolRoutes(server: FastifyInstance, reads: NodeReads): void {
  const status = (): NodeStatus => reads.queries.status(reads.clock.now())
  server.get('/api/info', async () => ({
    blockData: await foundBlocks(reads),
    userAgents: userAgents(status().miners),
    highScores: highScores(reads),
    uptime: isoTime(reads.startedAtSec)
  }))
  server.get('/api/pool', async () => {
    const totals = reads.queries.totals(reads.clock.now())
    return {
      totalHashRate: totals.hashrates.m5,
      blockHeight: bitcoinTip(reads),
      totalMiners: totals.connections,
      blocksFound: await foundBlocks(reads),
      fee: (reads.fee?.bps ?? 0) / 100
    }
  })
  server.get('/api/network', async () => {
    const { bitcoinDifficulty } = reads.queries.work()
    const transactions = reads.queries.offered()?.template.transactions ?? []
    return {
      blocks: bitcoinTip(reads),
      currentblockweight: transactions.reduce((sum, { weight }) => sum + weight, 0),
      currentblocktx: transactions.length,
      difficulty: bitcoinDifficulty,
      networkhashps: (bitcoinDifficulty * HASHES_PER_DIFFICULTY) / BLOCK_SEC,
      pooledtx: transactions.length,
      chain: reads.params.chain,
      warnings: ''
    }
  })
  server.get('/api/info/chart', () => chart(reads, householdHashrate))
  server.get<ClientPath>('/api/client/:address', async ({ params: { address } }) => {
    const workers = workersOf(reads, address)
    return {
      bestDifficulty: Math.max(0, ...workers.map(({ bestDifficulty }) => bestDifficulty)),
      workersCount: workers.length,
      workers: workers.map(worker => session(reads, worker))
    }
  })
  server.get<ClientPath>('/api/client/:address/chart', ({ params: { address } }) =>
    chart(reads, frames => workersHashrate(frames, seriesIds(reads, address, null)))
  )
  const workerAnswer = async ({ address, worker }: ClientPath['Params']) => {
    const found = workersOf(reads, address).find(({ worker: name }) => name === worker)
    if (found === undefined) throw new NoAnswer(404, `no worker ${worker} of that address is connected`)
    const chartData = await chart(reads, frames => workersHashrate(frames, seriesIds(reads, address, worker)))
    return { ...session(reads, found), bestDifficulty: Math.floor(found.bestDifficulty), chartData }
  }
  server.get<ClientPath>('/api/client/:address/:worker', async ({ params }) => {
    const { name, bestDifficulty, chartData } = await workerAnswer(params)
    return { name, bestDifficulty, chartData }
  })
  server.get<ClientPath>('/api/client/:address/:worker/:session', async ({ params }) => {
    const { sessionId, name, bestDifficulty, chartData, startTime } = await workerAnswer(params)
    return { sessionId, name, bestDifficulty, chartData, startTime }
  })
}

/** Connected workers of an address. */
function workersOf({ queries, clock }: NodeReads, address: string): WorkerStats[] {
  return queries
    .workers(clock.now())
    .filter(({ payoutAddress, connections }) => payoutAddress === address && connections > 0)
}

/** The worker as a session; its beginning is when this node heard of it first. */
function session({ history, startedAtSec }: NodeReads, stats: WorkerStats) {
  const { payoutAddress, worker, bestDifficulty, hashrates, lastAcceptedAtMs } = stats
  const series = history.series.find(one => one.address === payoutAddress && one.worker === worker)
  const startTime = isoTime(series?.firstSec ?? startedAtSec)
  return {
    sessionId: workerId(payoutAddress, worker).slice(-8),
    name: worker,
    bestDifficulty: bestDifficulty.toFixed(2),
    hashRate: hashrates.m5,
    startTime,
    lastSeen: lastAcceptedAtMs === null ? startTime : isoTime(secFromMs(lastAcceptedAtMs))
  }
}

function userAgents(miners: NodeStatus['miners']) {
  const agents = new Map<string, { count: number; totalHashRate: number }>()
  for (const { userAgent, hashrateHps } of miners) {
    const known = agents.get(userAgent) ?? { count: 0, totalHashRate: 0 }
    agents.set(userAgent, { count: known.count + 1, totalHashRate: known.totalHashRate + hashrateHps })
  }
  // Which of them found the best hash is not kept by firmware.
  return [...agents].map(([userAgent, { count, totalHashRate }]) => ({
    userAgent,
    count: String(count),
    bestDifficulty: 0,
    totalHashRate
  }))
}

function highScores({ queries, clock }: NodeReads) {
  return [...queries.workers(clock.now())]
    .sort((a, b) => b.bestDifficulty - a.bestDifficulty)
    .slice(0, MAX_HIGH_SCORES)
    .map(({ bestDifficulty, lastAcceptedAtMs }) => ({
      updatedAt: isoTime(lastAcceptedAtMs === null ? 0 : secFromMs(lastAcceptedAtMs)),
      bestDifficulty,
      bestDifficultyUserAgent: ''
    }))
}

/** Blocks found here; of whom is not on record. */
async function foundBlocks({ readBlocks }: NodeReads) {
  const blocks = await readBlocks(MAX_BLOCKS)
  return blocks
    .filter(({ result }) => isSubmittedHere(result))
    .map(({ bitcoinHeight, outputs }) => ({
      height: bitcoinHeight,
      minerAddress: outputs[0]?.address ?? '',
      worker: '',
      sessionId: ''
    }))
}

function bitcoinTip({ queries, clock }: NodeReads): number {
  const { bitcoinHeight } = queries.work()
  return queries.status(clock.now()).bitcoind.bitcoinHeight ?? Math.max(0, (bitcoinHeight ?? 1) - 1)
}

function seriesIds({ history }: NodeReads, address: string, worker: string | null): number[] {
  return history.series
    .filter(series => series.address === address && (worker === null || series.worker === worker))
    .map(({ id }) => id)
}

async function chart(
  { history, clock }: NodeReads,
  rateOf: (frames: readonly Frame[]) => MeasuredHashrate | null
): Promise<ChartPoint[]> {
  const toSec = secFromMs(clock.now().wallMs)
  const frames = await history.store.readFrames('minute', { fromSec: toSec - CHART_SEC, toSec })
  const points = new Map<number, Frame[]>()
  for (const frame of frames) {
    const startSec = frame.startSec - (frame.startSec % POINT_SEC)
    points.set(startSec, [...(points.get(startSec) ?? []), frame])
  }
  return [...points].map(([startSec, part]) => ({ label: isoTime(startSec), data: rateOf(part)?.hps ?? 0 }))
}

function isoTime(sec: number): string {
  return new Date(sec * 1_000).toISOString()
}
