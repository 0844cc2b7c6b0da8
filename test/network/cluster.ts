import type { StatusJson } from '@p2poolv2/api/schema'
import type { NodeOptions, NodeProgram } from '../e2e/stage/node-program.ts'
import type { Stage } from '../e2e/stage/stage.ts'
import { until } from '../e2e/stage/until.ts'

/** Who is told of whom when it starts: `[joiner, inviter]`, each joiner after its inviter. The peers they end with are their own choice. */
export type Introductions = readonly (readonly [joiner: number, inviter: number])[]

export const LINE = (nodes: number): Introductions => Array.from({ length: nodes - 1 }, (_, i) => [i + 1, i] as const)
export const STAR = (nodes: number): Introductions => Array.from({ length: nodes - 1 }, (_, i) => [i + 1, 0] as const)

/** A tree drawn at random. @param draw a whole number below its argument */
export function randomTree(nodes: number, draw: (below: number) => number): Introductions {
  return Array.from({ length: nodes - 1 }, (_, i) => [i + 1, draw(i + 1)] as const)
}

export interface ClusterOptions {
  readonly introductions: Introductions
  /** The first so many nodes have a miner each. */
  readonly miners: number
  /** Hashes a second of each miner. */
  readonly hashrateHps: number
  /** Further flags of every node. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where a node runs, when not on loopback. */
  readonly place?: (index: number) => Pick<NodeOptions, 'apiHost' | 'within' | 'args'>
  /** Puts something into a data directory before its node starts for the first time. */
  readonly prepare?: (dataDir: string) => Promise<void>
  /** Default `debug`, which has every share that each node confirms. */
  readonly logLevel?: 'debug' | 'info'
}

/** Real node processes on one computer, on one devnet. */
export class Cluster {
  readonly nodes: NodeProgram[] = []
  readonly #stage: Stage
  readonly #options: ClusterOptions
  readonly #folders: string[] = []
  readonly #ports: string[] = []

  private constructor(stage: Stage, options: ClusterOptions) {
    this.#stage = stage
    this.#options = options
  }

  static async start(stage: Stage, options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(stage, options)
    await cluster.#begin(0, [])
    for (const [joiner, inviter] of options.introductions) {
      await cluster.#begin(joiner, ['--join', await cluster.node(inviter).invite()])
    }
    return cluster
  }

  node(index: number): NodeProgram {
    const node = this.nodes[index]
    if (node === undefined) throw new Error('there is such a node')
    return node
  }

  /** Starts a node again that was stopped or killed, from its own data directory. */
  restart(index: number): Promise<NodeProgram> {
    return this.#begin(index, ['--p2p-port', this.#ports[index] ?? '0'])
  }

  async statuses(): Promise<StatusJson[]> {
    return Promise.all(this.nodes.map(node => node.status()))
  }

  /** All nodes show one confirmed tip at one moment, above a height. */
  async oneTip(withinMs: number, aboveHeight = 0): Promise<number> {
    return until('one tip on all nodes', withinMs, async () => {
      const tips = (await this.statuses()).map(({ sharechain }) => sharechain)
      const [first] = tips
      const isOne = tips.every(tip => tip.confirmedHash === first?.confirmedHash)
      return isOne && first !== undefined && first.confirmedHeight > aboveHeight ? first.confirmedHeight : null
    })
  }

  async #begin(index: number, args: readonly string[]): Promise<NodeProgram> {
    const { miners, hashrateHps, args: common = [], env, place, prepare, logLevel = 'debug' } = this.#options
    const dataDir = this.#folders[index] ?? (await this.#stage.folder())
    if (this.#folders[index] === undefined) await prepare?.(dataDir)
    this.#folders[index] = dataDir
    const mining = ['--miners', index < miners ? '1' : '0', '--set', `devnet.miner_hashrate=${hashrateHps}`]
    const { args: placed = [], ...where } = place?.(index) ?? {}
    const node = this.#stage.node({
      ...where,
      dataDir,
      args: [...mining, '--log-level', logLevel, ...common, ...placed, ...args],
      ...(env === undefined ? {} : { env })
    })
    this.nodes[index] = node
    await node.ready()
    this.#ports[index] = await node.p2pPort()
    return node
  }
}

/** Ways of shares from the node that found them to every other, in milliseconds, rising. */
export interface Ways {
  /** Until the other node had confirmed it, of shares that were alone at their height. */
  readonly aloneMs: readonly number[]
  /**
   * The same of shares that were not: who heard of another first confirms this one when the next share is built on it, which is a matter of
   * how often shares are found and not of how they travel.
   */
  readonly contestedMs: readonly number[]
}

/**
 * As the nodes' logs have it.
 * @param sinceMs shares found before are left out, which late nodes had to fetch
 */
export function waysOfShares(nodes: readonly NodeProgram[], sinceMs: number): Ways {
  const found = new Map<string, { readonly by: NodeProgram; readonly atMs: number; readonly height: number }>()
  const foundAt = new Map<number, number>()
  const timeOf = (line: { readonly [field: string]: unknown }): number => Date.parse(String(line['time']))
  for (const by of nodes) {
    for (const line of by.log) {
      if (line.msg !== 'one of our miners made a share' || timeOf(line) < sinceMs) continue
      const height = Number(line['height'])
      found.set(String(line['shareHash']), { by, atMs: timeOf(line), height })
      foundAt.set(height, (foundAt.get(height) ?? 0) + 1)
    }
  }
  const aloneMs: number[] = []
  const contestedMs: number[] = []
  for (const node of nodes) {
    for (const line of node.log) {
      if (line.msg !== 'node: shareConfirmed') continue
      const share = found.get(String(line['shareHash']))
      if (share === undefined || share.by === node) continue
      const ways = foundAt.get(share.height) === 1 ? aloneMs : contestedMs
      ways.push(timeOf(line) - share.atMs)
    }
  }
  const rising = (a: number, b: number): number => a - b
  return { aloneMs: aloneMs.sort(rising), contestedMs: contestedMs.sort(rising) }
}

/** @param sorted rising; @param part 0 to 1 */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
