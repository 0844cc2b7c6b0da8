import { type HistorySample, type HistoryStore, measuredHashrate, workSince } from '@p2poolv2/earnings'
import { HistoryKeeper, HistoryUnavailable, memoryHistory, openLevelHistory } from '@p2poolv2/earnings/level'
import type { NodeQueries } from '@p2poolv2/node'
import type { EarlierBest } from '@p2poolv2/node/shell'
import { HASHES_PER_DIFFICULTY, type Moment, secFromMs } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES, type Part } from '@p2poolv2/runtime'
import { STOP_RANK } from './stop-order.ts'

/** The pool's hash rate is that of so long before each sample: some sixty shares. */
const POOL_RATE_SEC = 600
const MAX_WALKED = 10_000

/** What was mined, kept on disk, and what goes on keeping it. */
export interface MiningHistory {
  readonly keeper: HistoryKeeper
  readonly part: Part
}

/** @param folder of its own; where it cannot be used the history of this run is kept in memory */
export async function miningHistory(
  folder: string,
  { queries, clock, log }: { readonly queries: NodeQueries; readonly clock: Clock; readonly log: Log }
): Promise<MiningHistory> {
  const ports = { sample: () => sampleOf(queries, clock.now()), clock, log }
  const keeper = await HistoryKeeper.open(await historyStore(folder, log), ports)
  return {
    keeper,
    part: {
      name: 'mining history',
      start: () => keeper.start(),
      stopRank: STOP_RANK.history,
      stop: () => keeper.stop()
    }
  }
}

/** The records of all time, as the metrics ask for them. */
export function earlierBest({ records, series }: Pick<HistoryKeeper, 'records' | 'series'>): EarlierBest {
  const ids = new Map(series.map(({ address, worker, id }) => [`${address}.${worker}`, id]))
  return {
    bestDifficulty: records.household,
    workerBest: (payoutAddress, worker) => {
      const id = ids.get(`${payoutAddress}.${worker}`)
      return id === undefined ? 0 : (records.workers.get(id) ?? 0)
    }
  }
}

async function historyStore(folder: string, log: Log): Promise<HistoryStore> {
  try {
    return await openLevelHistory(folder)
  } catch (error) {
    if (!(error instanceof HistoryUnavailable)) throw error
    log.warn(MESSAGES.historyUnavailable, { reason: error.message })
    return memoryHistory()
  }
}

/** The node's counters and gauges at a moment. */
export function sampleOf(queries: NodeQueries, now: Moment): HistorySample {
  const totals = queries.totals(now)
  const { shareDifficulty, bitcoinDifficulty } = queries.work()
  return {
    household: countersOf(totals),
    workers: queries.workers(now).map(worker => ({
      address: worker.payoutAddress,
      worker: worker.worker,
      isConnected: worker.connections > 0,
      ...countersOf(worker)
    })),
    gauges: {
      poolHps: poolHps(queries, now),
      peers: queries.network(now).peers,
      shareDifficulty,
      bitcoinDifficulty: bitcoinDifficulty === 0 ? null : bitcoinDifficulty
    }
  }
}

function countersOf(counted: ReturnType<NodeQueries['totals']>): HistorySample['household'] {
  const { accepted, rejected, creditedDifficulty, bestDifficulty } = counted
  return { accepted, rejected, workHashes: creditedDifficulty * HASHES_PER_DIFFICULTY, bestDifficulty }
}

/** Null without a share chain to read it off. */
function poolHps({ mode, shares }: NodeQueries, now: Moment): number | null {
  if (mode !== 'sharechain') return null
  const nowSec = secFromMs(now.wallMs)
  const { source, anchorSlot } = shares.walkFrom(shares.miningBase().hash)
  const { finds, fromSec } = workSince(source, { anchorSlot, sinceSec: nowSec - POOL_RATE_SEC, limit: MAX_WALKED })
  return measuredHashrate([finds], Math.max(1, nowSec - fromSec)).hps
}
