import type { ChainName, ChainParams } from '@p2poolv2/consensus'
import { consensusFingerprint } from '@p2poolv2/consensus'
import type { Gossip, SyncState } from '@p2poolv2/gossip'
import type { Height, UnixMs, Work } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import type { BlockLog } from '../chain/block-log.ts'
import type { BitcoindStatus, IneligibleReason } from '../contract.ts'
import type { Miners } from '../miners/miners.ts'
import type { JobMaker } from '../work/job-maker.ts'
import type { WorkTemplate } from '../work/work-template.ts'
import type { PoolStats, PoolTotals, WorkerStats } from './pool-stats.ts'

/** What one address has in the payout window, and what the next block would pay it. */
export interface WindowEntry {
  readonly address: string
  /** A whole number in decimal: it may exceed what JSON numbers hold. */
  readonly weight: string
  readonly percent: number
  readonly payoutSats: number
}

export interface BlockEntry {
  readonly height: number
  readonly hash: string
  /** Unix seconds. */
  readonly time: number
  readonly outputs: readonly { readonly address: string; readonly sats: number }[]
  /**
   * `seen`: another node of the pool found it and nothing was submitted from here. `submitted`: no bitcoin node has
   * answered yet. Else the best answer of our bitcoin nodes: `accepted`, `duplicate`, `rejected` or `failed`, and the reason
   * after a colon.
   */
  readonly result: string
}

export interface MinerEntry {
  readonly worker: string
  readonly address: string
  readonly userAgent: string
  readonly difficulty: number
  /** Hashes per second. */
  readonly hashrate: number
  readonly accepted: number
  readonly rejected: number
}

/** The answer of GET /v1/status. */
export interface NodeStatus {
  readonly chain: ChainName
  readonly fingerprint: string
  readonly version: string
  readonly sharechain: {
    readonly confirmedHeight: number
    readonly confirmedHash: string
    readonly candidateHeight: number
    readonly uncles: number
  }
  /** Heaviest first; empty until there is work. */
  readonly window: readonly WindowEntry[]
  readonly windowShares: number
  /** Of the whole pool as far as this node knows, highest bitcoin height first. */
  readonly blocks: readonly BlockEntry[]
  /** Authorised connections, in the order in which they connected. */
  readonly miners: readonly MinerEntry[]
  readonly bitcoind: {
    readonly url: string
    readonly state: BitcoindStatus['state']
    readonly height: number | null
    /** What the bitcoin node wants the operator to do, else what keeps jobs from becoming shares; null if all is well. */
    readonly message: string | null
  }
  readonly network: NetworkStatus
}

/** How this node stands among the others. Miners have work in every state. */
export interface NetworkStatus {
  /** `syncing`: shares of others are still being fetched. `alone`: no peer. `current`: nothing is known to be missing. */
  readonly state: SyncState
  /** What the state means for whoever mines here, one sentence. */
  readonly message: string
  readonly peers: number
}

/** The work miners have now. */
export interface WorkStatus {
  /** `none`: no template yet, or nobody can be paid. `bitcoin-only`: blocks pay as ever, shares cannot be made. */
  readonly jobs: 'none' | 'bitcoin-only' | 'full'
  readonly reason: IneligibleReason | null
  readonly bitcoinHeight: number | null
  readonly coinbaseValueSats: bigint
  readonly bitcoinDifficulty: number
  readonly shareDifficulty: number | null
  readonly windowShares: number
  /** In coinbase order. */
  readonly outputs: WorkTemplate['outputs']
}

/** Where the share chain stands. */
export interface ChainStatus {
  readonly confirmedHeight: Height
  readonly confirmedTimeSec: number
  /** Cumulative, in expected hashes. */
  readonly confirmedWork: Work
  readonly candidateHeight: Height
}

/** Read-only views of a node. Cheap enough to be asked several times a second. */
export interface NodeQueries {
  status(nowMs: UnixMs): NodeStatus
  work(): WorkStatus
  chain(): ChainStatus
  network(nowMs: UnixMs): NetworkStatus
  /** Connections, authorised or not. */
  minerCount(): number
  totals(nowMs: UnixMs): PoolTotals
  workers(nowMs: UnixMs): readonly WorkerStats[]
}

export interface QuerySources {
  readonly params: ChainParams
  readonly version: string
  readonly chain: ShareChain
  readonly jobs: JobMaker
  readonly miners: Miners
  readonly stats: PoolStats
  readonly blocks: BlockLog
  readonly gossip: Pick<Gossip, 'status'>
  readonly bitcoind: () => { readonly nodes: readonly BitcoindStatus[]; readonly templateSource: string | null }
}

const REASON_SENTENCE: Readonly<Record<IneligibleReason, string>> = {
  'clock-behind-chain':
    "this computer's clock is behind the share chain's: set it right; until then miners find blocks but no shares",
  'window-unavailable': 'the payout window cannot be read yet: until share history is complete miners find no shares'
}

/** Views are computed when asked for; those that depend on work or blocks alone are kept until these change. */
export function createQueries(sources: QuerySources): NodeQueries {
  const { params, version, chain, jobs, miners, stats, blocks } = sources
  const fingerprint = consensusFingerprint(params)
  const windowOf = keepLast((work: WorkTemplate | null) => (work === null ? [] : windowEntries(work)))
  const blocksOf = keepLast((_version: number) => blockEntries(blocks))

  const network = (nowMs: UnixMs): NetworkStatus => {
    const { state, sentence, peers } = sources.gossip.status(nowMs)
    return { state, message: sentence, peers: peers.length }
  }
  const currentWork = (): WorkTemplate | null => jobs.offered?.work ?? null

  return {
    status(nowMs) {
      const work = currentWork()
      const confirmed = chain.confirmedTip()
      return {
        chain: params.chain,
        fingerprint,
        version,
        sharechain: {
          confirmedHeight: confirmed.height,
          confirmedHash: confirmed.hash,
          candidateHeight: chain.candidateTip().height,
          uncles: chain.uncleCount
        },
        window: windowOf(work),
        windowShares: work?.windowShares ?? 0,
        blocks: blocksOf(blocks.version),
        miners: minerEntries(miners, nowMs),
        bitcoind: bitcoindEntry(sources.bitcoind(), work),
        network: network(nowMs)
      }
    },
    work() {
      const offered = jobs.offered
      const work = currentWork()
      return {
        jobs: work === null ? 'none' : work.share === null ? 'bitcoin-only' : 'full',
        reason: work?.ineligible ?? null,
        bitcoinHeight: work?.mining.bitcoinHeight ?? null,
        coinbaseValueSats: work?.template.coinbaseValueSats ?? 0n,
        bitcoinDifficulty: offered?.limits.bitcoinDifficulty ?? 0,
        shareDifficulty: offered?.limits.shareDifficulty ?? null,
        windowShares: work?.windowShares ?? 0,
        outputs: work?.outputs ?? []
      }
    },
    chain() {
      const confirmed = chain.confirmedTip()
      return {
        confirmedHeight: confirmed.height,
        confirmedTimeSec: confirmed.timeSec,
        confirmedWork: confirmed.chainWork,
        candidateHeight: chain.candidateTip().height
      }
    },
    network,
    minerCount: () => miners.size,
    totals: nowMs => stats.totals(nowMs),
    workers: nowMs => stats.workers(nowMs)
  }
}

/** Remembers the answer to the last question. */
function keepLast<K, V>(compute: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | null = null
  return key => {
    if (last === null || last.key !== key) last = { key, value: compute(key) }
    return last.value
  }
}

function windowEntries(work: WorkTemplate): readonly WindowEntry[] {
  const { total, byAddress } = work.weights
  const payouts = new Map(
    work.outputs.filter(output => output.kind === 'payout').map(({ address, valueSats }) => [address.text, valueSats])
  )
  return [...byAddress.values()]
    .sort((a, b) => (a.weight === b.weight ? (a.address.text < b.address.text ? -1 : 1) : a.weight < b.weight ? 1 : -1))
    .map(({ address, weight }) => ({
      address: address.text,
      weight: weight.toString(),
      percent: Number((weight * 100_000_000n) / total) / 1_000_000,
      payoutSats: Number(payouts.get(address.text) ?? 0n)
    }))
}

function blockEntries(blocks: BlockLog): readonly BlockEntry[] {
  return blocks.newestFirst().map(block => ({
    height: block.bitcoinHeight,
    hash: block.blockHash,
    time: block.timeSec,
    outputs: block.outputs.map(({ address, valueSats }) => ({ address, sats: Number(valueSats) })),
    result: block.result
  }))
}

function minerEntries(miners: Miners, nowMs: UnixMs): readonly MinerEntry[] {
  const entries: MinerEntry[] = []
  for (const { session, identity, userAgent, workers } of miners.all()) {
    if (identity === null) continue
    entries.push({
      worker: workers[0] ?? '',
      address: identity.payoutAddress,
      userAgent,
      difficulty: session.difficulty,
      hashrate: session.hashrateHps(nowMs),
      accepted: session.accepted,
      rejected: session.rejected
    })
  }
  return entries
}

/** The node whose template is used, else the first ready one, else the first. */
function bitcoindEntry(
  source: ReturnType<QuerySources['bitcoind']>,
  work: WorkTemplate | null
): NodeStatus['bitcoind'] {
  const { nodes, templateSource } = source
  const node =
    nodes.find(({ url }) => url === templateSource) ?? nodes.find(({ state }) => state === 'ready') ?? nodes[0]
  const workMessage = work === null || work.ineligible === null ? null : REASON_SENTENCE[work.ineligible]
  if (node === undefined) return { url: templateSource ?? '', state: 'starting', height: null, message: workMessage }
  return { url: node.url, state: node.state, height: node.bitcoinHeight, message: node.message ?? workMessage }
}
