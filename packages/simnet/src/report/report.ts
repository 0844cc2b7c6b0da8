import { walkConfirmed } from '../check/chain-walk.ts'
import type { SimNode } from '../world/sim-node.ts'
import type { World } from '../world/world.ts'
import { type Fairness, fairness } from './fairness.ts'
import { earnings, fatesOf, type ShareFates } from './fate.ts'

/** A claim about the run and whether it held. */
export interface Finding {
  readonly claim: string
  readonly holds: boolean
  /** What was measured, for a person. */
  readonly measured: string
}

/** How long all nodes took to stand on one tip again. */
export interface Convergence {
  readonly after: string
  /** Null when they did not before the run ended. */
  readonly tookMs: number | null
}

export interface Percentiles {
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly max: number
}

/** What one run showed. Plain data: the same seed gives the same report, wherever it runs. */
export interface SimReport {
  readonly scenario: string
  readonly seed: number
  readonly nodes: number
  readonly virtualMs: number
  readonly shares: ShareFates & {
    /** Uncles per produced share. */
    readonly uncleRate: number
    /** Shares nobody is paid for, per produced share. */
    readonly orphanRate: number
    readonly meanSpacingSec: number
  }
  readonly chain: { readonly height: number; readonly tip: string }
  /** How often a node took back so many shares at once. */
  readonly reorgs: readonly { readonly depth: number; readonly count: number }[]
  /** Milliseconds from a share's publication to a node's acceptance. */
  readonly propagationMs: Percentiles
  readonly bytesPerNodePerDay: number
  readonly blocks: { readonly found: number; readonly bitcoinHeightGained: number }
  readonly fairness: Fairness
  readonly convergence: readonly Convergence[]
  readonly punishments: { readonly penalties: number; readonly drops: number }
  readonly submits: { readonly accepted: number; readonly rejected: number }
  readonly events: number
  /** How often each kind of trouble came about, where they are drawn at random. */
  readonly struck: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
  /** SHA-256 over everything that happened, in order. */
  readonly digest: string
}

const DAY_MS = 86_400_000

/** Reads a world after its run. @param at the node whose chain is reported */
export function reportOf(
  world: World,
  run: {
    readonly scenario: string
    readonly seed: number
    readonly at: SimNode
    readonly convergence: readonly Convergence[]
    readonly struck: ReadonlyMap<string, number>
    readonly findings: readonly Finding[]
  }
): SimReport {
  const { census, params } = world
  const { chain } = run.at
  const walk = walkConfirmed(chain, params)
  const fates = fatesOf(census.produced.values(), { chain, walk, params })
  const nodes = world.nodes
  const bytes = nodes.reduce((sum, { node }) => sum + world.net.bytesSent(node), 0)
  const tip = chain.confirmedTip()
  const shares = Math.max(1, walk.shares.length - 1 + walk.uncles.size)
  return {
    scenario: run.scenario,
    seed: run.seed,
    nodes: nodes.length,
    virtualMs: world.elapsedMs,
    shares: {
      ...fates,
      uncleRate: part(fates.uncles, fates.produced),
      orphanRate: part(fates.lost, fates.produced),
      meanSpacingSec: tip.height === 0 ? 0 : (tip.timeSec - params.genesisTimeSec) / tip.height
    },
    chain: { height: tip.height, tip: tip.hash },
    reorgs: census.reorgDepth.counts().map(([depth, count]) => ({ depth, count })),
    propagationMs: {
      p50: census.arrival.percentile(0.5),
      p90: census.arrival.percentile(0.9),
      p99: census.arrival.percentile(0.99),
      max: census.arrival.highest
    },
    bytesPerNodePerDay: Math.round((bytes / Math.max(1, nodes.length)) * (DAY_MS / Math.max(1, world.elapsedMs))),
    blocks: {
      found: census.foundBlocks.size,
      bitcoinHeightGained: run.at.bitcoind.tip.bitcoinHeight - world.bitcoin.root.bitcoinHeight
    },
    fairness: fairness(hashrates(nodes), earnings(walk, { chain, params }), shares),
    convergence: run.convergence,
    punishments: { penalties: census.punishmentCount - census.dropCount, drops: census.dropCount },
    submits: census.submits,
    events: census.events,
    struck: Object.fromEntries([...run.struck].sort(([a], [b]) => (a < b ? -1 : 1))),
    findings: run.findings,
    digest: world.trace.digest()
  }
}

function hashrates(nodes: readonly SimNode[]): Map<string, number> {
  const byAddress = new Map<string, number>()
  for (const { options } of nodes) {
    for (const { user, hashrateHps } of options.miners) {
      const [address = user] = user.split('.')
      byAddress.set(address, (byAddress.get(address) ?? 0) + hashrateHps)
    }
  }
  return byAddress
}

function part(count: number, whole: number): number {
  return whole === 0 ? 0 : count / whole
}
