import type { NodeQueries, WorkerStats } from '@p2poolv2/node'
import { HASHES_PER_DIFFICULTY, type Moment, secFromMs } from '@p2poolv2/primitives'
import type { NodeMetrics } from './node-metrics.ts'
import { printable } from './printable.ts'

/**
 * Workers that have series of their own, those with the most credited work first. At the cap the rest is only in the
 * totals: names are the miners' choice, and every one costs the metrics database for good.
 */
export const MAX_WORKER_SERIES = 500
/** Of the pool's newest blocks, as many as the reference shows. */
export const MAX_BLOCK_SERIES = 20

/** What follows from the share chain's work is reported only while it is alive (as the reference does). */
const TIP_AGE_LIMIT_SEC = 300

const MAX_NAME_LENGTH = 64

/** What was there before this start, as difficulties. */
export interface EarlierBest {
  readonly bestDifficulty: number
  workerBest(payoutAddress: string, worker: string): number
}

export const NOTHING_KEPT: EarlierBest = { bestDifficulty: 0, workerBest: () => 0 }

/** Brings everything up to date that is read off the node at the time of asking. */
export function refreshMetrics(
  m: NodeMetrics,
  queries: NodeQueries,
  { now, kept }: { readonly now: Moment; readonly kept: EarlierBest }
): void {
  const totals = queries.totals(now)
  m.lastUpdate.set(secFromMs(now.wallMs))
  m.bestShare.set(totals.bestDifficulty)
  m.bestEver.set(Math.max(totals.bestDifficulty, kept.bestDifficulty))
  m.miners.set(queries.minerCount())
  const network = queries.network(now)
  m.peers.set(network.peers)
  m.current.set(network.state === 'current' ? 1 : 0)
  for (const [window, rateHps] of Object.entries(totals.hashrates)) m.hashrate.set({ window }, rateHps)
  refreshWork(m, queries)
  refreshChain(m, queries, now)
  refreshWorkers(m, queries.workers(now), kept)
}

function refreshWork(m: NodeMetrics, queries: NodeQueries): void {
  const work = queries.work()
  m.poolDifficulty.set(work.shareDifficulty ?? 0)
  m.windowShares.set(work.windowShares)
  m.coinbaseOutput.reset()
  const ours = queries.workerAddresses()
  let ownSats = 0n
  work.outputs.forEach(({ address, valueSats, kind }, index) => {
    m.coinbaseOutput.set({ index: String(index), address: address.text }, Number(valueSats))
    if (kind === 'payout' && ours.has(address.text)) ownSats += valueSats
  })
  m.ownPayout.set(Number(ownSats))
  const offered = queries.offered()
  m.coinbaseBytes.set(offered?.mining.coinbase.bytes.length ?? 0)
  let ownWeight = 0n
  for (const address of ours) ownWeight += offered?.weights.byAddress.get(address)?.weight ?? 0n
  m.ownWindowPart.set(offered === null ? 0 : Number(ownWeight) / Number(offered.weights.total))
}

function refreshChain(m: NodeMetrics, queries: NodeQueries, now: Moment): void {
  const chain = queries.chain()
  const { version, chain: name, fingerprint, blocks } = queries.status(now)
  m.info.set({ version, chain: name, fingerprint }, 1)
  m.chainHeight.set({ chain: 'confirmed' }, chain.confirmedHeight)
  m.chainHeight.set({ chain: 'candidate' }, chain.candidateHeight)
  m.syncGap.set(Math.max(0, chain.candidateHeight - chain.confirmedHeight))
  m.blockFoundTime.reset()
  for (const { blockHash, bitcoinHeight, timeSec } of blocks.slice(0, MAX_BLOCK_SERIES)) {
    m.blockFoundTime.set({ blockhash: blockHash, height: String(bitcoinHeight) }, timeSec)
  }
  // Absent, not zero: a counter that falls to zero and comes back looks as if all of it had come at once.
  m.chainWork.remove()
  m.workSinceBlock.remove()
  if (secFromMs(now.wallMs) - chain.confirmedTimeSec > TIP_AGE_LIMIT_SEC) return
  m.chainWork.inc(Number(chain.confirmedWork))
  const share = blocks.find(({ shareHash }) => shareHash !== null)?.shareHash ?? null
  const workThen = share === null ? 0n : queries.shares.facts(share)?.chainWork
  // A share that is pruned lies further back than what is shown.
  if (workThen === undefined) return
  const since = chain.confirmedWork > workThen ? chain.confirmedWork - workThen : 0n
  m.workSinceBlock.set(Number(since) / HASHES_PER_DIFFICULTY)
}

function refreshWorkers(m: NodeMetrics, workers: readonly WorkerStats[], kept: EarlierBest): void {
  for (const metric of [m.userValid, m.workerValid, m.workerBest, m.workerBestEver, m.workerLast]) metric.reset()
  const shown = workers
    .filter(worker => worker.connections > 0 && worker.accepted > 0)
    .sort((a, b) => b.creditedDifficulty - a.creditedDifficulty)
    .slice(0, MAX_WORKER_SERIES)
  for (const { payoutAddress, worker, creditedDifficulty, bestDifficulty, lastAcceptedAtMs } of shown) {
    const labels = {
      btcaddress: payoutAddress,
      workername: worker === '' ? 'unnamed' : printable(worker).slice(0, MAX_NAME_LENGTH)
    }
    m.userValid.inc({ btcaddress: payoutAddress }, creditedDifficulty * HASHES_PER_DIFFICULTY)
    m.workerValid.inc(labels, creditedDifficulty * HASHES_PER_DIFFICULTY)
    m.workerBest.set(labels, bestDifficulty)
    m.workerBestEver.set(labels, Math.max(bestDifficulty, kept.workerBest(payoutAddress, worker)))
    if (lastAcceptedAtMs !== null) m.workerLast.set(labels, Math.floor(lastAcceptedAtMs / 1000))
  }
}
