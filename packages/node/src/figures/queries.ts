import type { PaddingForm } from '@p2poolv2/bitcoin'
import type { ChainName, ChainParams, PayoutOutput } from '@p2poolv2/consensus'
import { consensusFingerprint } from '@p2poolv2/consensus'
import type { Gossip, PeerStatus, SyncProgress, SyncState } from '@p2poolv2/gossip'
import type { Height, Moment, Work } from '@p2poolv2/primitives'
import type { FoundBlock, ShareChain } from '@p2poolv2/sharechain'
import type { BlockLog } from '../chain/block-log.ts'
import type { BitcoindStatus, IneligibleReason, NodeMode } from '../contract.ts'
import type { Miners } from '../miners/miners.ts'
import type { RefusedMiner, RefusedMiners } from '../miners/refused-miners.ts'
import type { JobMaker } from '../work/job-maker.ts'
import type { WorkTemplate } from '../work/work-template.ts'
import type { PoolStats, PoolTotals, WorkerStats } from './pool-stats.ts'
import { type UserStats, usersOf } from './users.ts'

/** What one address has in the payout window, and what the next block would pay it. */
export interface WindowEntry {
  readonly address: string
  /** Of `NodeStatus.windowWeight`. */
  readonly weight: bigint
  readonly payoutSats: bigint
}

/** An authorised connection. */
export interface MinerEntry {
  /** '' when the miner gave no name. */
  readonly worker: string
  readonly payoutAddress: string
  readonly userAgent: string
  /** Relative to bitcoin's difficulty 1. */
  readonly difficulty: number
  readonly hashrateHps: number
  readonly accepted: number
  readonly rejected: number
  /**
   * `solo`: its blocks pay it alone, and it earns nothing of the pool's: the node mines solo, or its firmware cannot take the pool's
   * coinbase.
   */
  readonly work: 'pool' | 'solo'
  /** What is amiss with it, in words for its owner. */
  readonly warnings: readonly string[]
}

/** The whole node at a glance, as plain values: whoever shows it puts it into words. */
export interface NodeStatus {
  readonly chain: ChainName
  readonly mode: NodeMode
  readonly fingerprint: string
  readonly version: string
  readonly sharechain: {
    readonly confirmedHeight: number
    readonly confirmedHash: string
    readonly candidateHeight: number
    readonly uncles: number
    /** Shares followed although they carry transactions whose scripts this node cannot check. */
    readonly scriptsUnchecked: number
    readonly padding: PaddingStatus
  }
  /** Heaviest first; empty until there is work, and where blocks pay their finders. */
  readonly window: readonly WindowEntry[]
  /** Of all addresses; 0 until there is work. */
  readonly windowWeight: bigint
  readonly windowShares: number
  /**
   * Of the whole pool as far as this node knows, highest bitcoin height first. A result is `seen` if another node of the pool
   * found it and nothing was submitted from here, `submitted` until a bitcoin node has answered, else the best answer of our
   * bitcoin nodes: `accepted`, `duplicate`, `lost-race`, `rejected` or `failed`, and the reason after a colon. Until a block is a hundred
   * deep bitcoin's chain is asked as well: `orphaned` is one that was in it, `lost-race` one that never was.
   */
  readonly blocks: readonly FoundBlock[]
  /** Of all miners, those forgotten too; over restarts where figures are kept. */
  readonly totals: PoolTotals
  /** In the order in which they connected. */
  readonly miners: readonly MinerEntry[]
  /** Who was refused within the last hour, the last one first. */
  readonly refusedMiners: readonly RefusedMiner[]
  readonly bitcoind: BitcoindStatus
  /** How far our clock is ahead of bitcoind's, in seconds; null while they agree within two minutes. */
  readonly clockDifferenceSec: number | null
  /** What keeps the present jobs from becoming shares. */
  readonly ineligible: IneligibleReason | null
  readonly network: NetworkStatus
}

/** The form of the padding in the bitcoin coinbase, which the protocol leaves open and nodes read from the share chain. */
export interface PaddingStatus {
  /** Of the next share made here. */
  readonly form: PaddingForm
  /** Whether the share chain demands it; else every known form is valid. */
  readonly demanded: boolean
}

/** How this node stands among the others. Miners have work in every state. */
export interface NetworkStatus {
  /** `syncing`: shares of others are still being fetched. `alone`: no peer. `current`: nothing is known to be missing. */
  readonly state: SyncState
  /** Current, but no share was confirmed in the last minutes, and no peer knows of one. */
  readonly quiet: boolean
  readonly peers: number
  /** How far it is while it catches up with much: with headers first, then with shares; else null. */
  readonly sync: SyncProgress | null
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
  readonly outputs: readonly PayoutOutput[]
}

/** Where the share chain stands. */
export interface ChainStatus {
  readonly confirmedHeight: Height
  readonly confirmedTimeSec: number
  /** Cumulative, in expected hashes. */
  readonly confirmedWork: Work
  readonly candidateHeight: Height
}

/** What may be read of the share chain. Nothing of it may be kept from one call to the next. */
export type ShareReads = Pick<
  ShareChain,
  | 'facts'
  | 'hashesAtHeight'
  | 'confirmedHashAt'
  | 'walkFrom'
  | 'confirmedTip'
  | 'candidateTip'
  | 'miningBase'
  | 'keptFromHeight'
>

/** Read-only views of a node. Cheap enough to be asked several times a second. */
export interface NodeQueries {
  /** What blocks pay by: the share chain, or without one. */
  readonly mode: NodeMode
  status(now: Moment): NodeStatus
  work(): WorkStatus
  /** The work miners have now, whole; null before the first. */
  offered(): WorkTemplate | null
  readonly shares: ShareReads
  chain(): ChainStatus
  network(now: Moment): NetworkStatus
  /** What the connected peers are to this node. */
  peers(now: Moment): readonly PeerStatus[]
  /** Found blocks on record, highest bitcoin height first; the same list until one changes. */
  blocks(): readonly FoundBlock[]
  /** Connections, authorised or not. */
  minerCount(): number
  /** Miners that are still to get the newest work. */
  unservedMiners(): number
  totals(now: Moment): PoolTotals
  workers(now: Moment): readonly WorkerStats[]
  /** Payout addresses of all of them. */
  workerAddresses(): ReadonlySet<string>
  /** Their figures by address. */
  users(now: Moment): readonly UserStats[]
}

export interface QuerySources {
  readonly params: ChainParams
  readonly mode: NodeMode
  readonly version: string
  readonly chain: ShareChain
  readonly jobs: JobMaker
  readonly miners: Miners
  readonly unservedMiners: () => number
  readonly refusedMiners: RefusedMiners
  readonly stats: PoolStats
  readonly blocks: BlockLog
  readonly gossip: Pick<Gossip, 'status'>
  /** What the gossip machine takes for the moment of the call. */
  readonly turn: { now: Moment }
  readonly clockDifferenceSec: () => number | null
  readonly bitcoind: () => { readonly nodes: readonly BitcoindStatus[]; readonly templateSource: string | null }
}

/** Views are computed when asked for; those that depend on work or blocks alone are kept until these change. */
export function createQueries(sources: QuerySources): NodeQueries {
  const { params, version, chain, jobs, miners, stats, blocks } = sources
  const fingerprint = consensusFingerprint(params)
  const windowOf = keepLast((work: WorkTemplate | null) => (work === null ? [] : windowEntries(work)))
  const blocksOf = keepLast((_version: number) => blocks.newestFirst())

  const gossip = (now: Moment) => {
    sources.turn.now = now
    return sources.gossip.status(now.steadyMs)
  }
  const network = (now: Moment): NetworkStatus => {
    const { state, quiet, peers, headers, shares } = gossip(now)
    return { state, quiet, peers: peers.length, sync: headers ?? shares }
  }
  const currentWork = (): WorkTemplate | null => jobs.offered?.work ?? null

  return {
    mode: sources.mode,
    status(now) {
      const work = currentWork()
      const confirmed = chain.confirmedTip()
      return {
        chain: params.chain,
        mode: sources.mode,
        fingerprint,
        version,
        sharechain: {
          confirmedHeight: confirmed.height,
          confirmedHash: confirmed.hash,
          candidateHeight: chain.candidateTip().height,
          uncles: chain.uncleCount,
          scriptsUnchecked: chain.scriptsUnchecked,
          padding: paddingStatus(chain)
        },
        window: windowOf(work),
        windowWeight: work?.weights.total ?? 0n,
        windowShares: work?.windowShares ?? 0,
        blocks: blocksOf(blocks.version),
        totals: stats.totals(now.steadyMs),
        miners: minerEntries(miners, now),
        refusedMiners: sources.refusedMiners.list(now.steadyMs),
        bitcoind: bitcoindInUse(sources.bitcoind()),
        clockDifferenceSec: sources.clockDifferenceSec(),
        ineligible: work?.ineligible ?? null,
        network: network(now)
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
        outputs: work?.paid() ?? []
      }
    },
    offered: currentWork,
    shares: chain,
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
    peers: now => gossip(now).peers,
    blocks: () => blocksOf(blocks.version),
    minerCount: () => miners.size,
    unservedMiners: sources.unservedMiners,
    totals: now => stats.totals(now.steadyMs),
    workers: now => stats.workers(now.steadyMs),
    workerAddresses: () => stats.addresses(),
    users: now => usersOf(stats.workers(now.steadyMs))
  }
}

function paddingStatus(chain: ShareChain): PaddingStatus {
  const { form, demand } = chain.padding(chain.miningBase().hash)
  return { form, demanded: form === demand }
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
  const payouts = new Map(
    work
      .paid()
      .filter(output => output.kind === 'payout')
      .map(({ address, valueSats }) => [address.text, valueSats])
  )
  return [...work.weights.byAddress.values()]
    .sort((a, b) => (a.weight === b.weight ? (a.address.text < b.address.text ? -1 : 1) : a.weight < b.weight ? 1 : -1))
    .map(({ address, weight }) => ({
      address: address.text,
      weight,
      payoutSats: payouts.get(address.text) ?? 0n
    }))
}

function minerEntries(miners: Miners, now: Moment): readonly MinerEntry[] {
  const entries: MinerEntry[] = []
  for (const { session, identity, userAgent, workers, warnings, isSolo } of miners.all()) {
    if (identity === null) continue
    entries.push({
      worker: workers[0] ?? '',
      payoutAddress: identity.payoutAddress,
      userAgent,
      difficulty: session.difficulty,
      hashrateHps: session.hashrateHps(now.steadyMs),
      accepted: session.accepted,
      rejected: session.rejected,
      work: isSolo ? 'solo' : 'pool',
      warnings: [...warnings.values()]
    })
  }
  return entries
}

/** The node whose template is used, else the first ready one, else the first. */
function bitcoindInUse({ nodes, templateSource }: ReturnType<QuerySources['bitcoind']>): BitcoindStatus {
  const inUse =
    nodes.find(({ url }) => url === templateSource) ?? nodes.find(({ state }) => state === 'ready') ?? nodes[0]
  return inUse ?? { url: templateSource ?? '', state: 'starting', bitcoinHeight: null, message: null }
}
