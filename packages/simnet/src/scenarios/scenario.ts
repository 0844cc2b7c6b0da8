import { checkAtRest, type RestOptions } from '../check/rest-invariants.ts'
import type { Finding, SimReport } from '../report/report.ts'
import { reportOf } from '../report/report.ts'
import type { Watch } from '../world/agreement.ts'
import { Faults } from '../world/faults.ts'
import type { SimNode } from '../world/sim-node.ts'
import type { World } from '../world/world.ts'

export interface RunOptions {
  readonly nodes: number
  readonly hours: number
  readonly seed: number
  /** Called about once a virtual minute. */
  readonly progress?: (line: string, at: Progress) => void
}

/** How far a run is. */
export interface Progress {
  readonly elapsedMs: number
  /** What the virtual disks hold, each value once. Cost: O(rows of all disks). */
  diskBytes(): number
}

/** A story about a network: what is given, what happens, what has to hold. */
export interface Scenario {
  readonly name: string
  readonly sentence: string
  readonly defaults: { readonly nodes: number; readonly hours: number }
  /** @throws WorldFailed when an invariant does not hold at some step, WorldBroken when one does not at rest */
  run(options: RunOptions): SimReport
}

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** How long the rest is waited for after mining has stopped. */
const QUIET_MS = 45_000
/** A tie at the top ends with the next share, so the largest miner goes on until there is none. */
const TIE_ROUNDS = 20
const TIE_ROUND_MS = 15_000

/** One run of a scenario: the world, the verbs, and what is found out. */
export class Run {
  readonly world: World
  readonly faults: Faults
  readonly options: RunOptions
  /** How often each kind of trouble came about, by name. */
  readonly struck = new Map<string, number>()
  readonly #scenario: string
  readonly #findings: Finding[] = []
  readonly #watches: { readonly after: string; readonly watch: Watch }[] = []

  constructor(scenario: string, world: World, options: RunOptions) {
    this.#scenario = scenario
    this.world = world
    this.options = options
    this.faults = new Faults(world)
  }

  /** Virtual time asked for. */
  get endMs(): number {
    return this.options.hours * HOUR_MS
  }

  at(elapsedMs: number, deed: () => void): void {
    this.world.at(elapsedMs, deed)
  }

  /** Measures how long agreement takes from now on. */
  awaitAgreement(after: string): Watch {
    const watch = this.world.agreement.watch(this.world.elapsedMs)
    this.#watches.push({ after, watch })
    return watch
  }

  expect(claim: string, holds: boolean, measured: string): void {
    this.#findings.push({ claim, holds, measured })
  }

  /** All nodes stood on one tip again within the time after each fault. */
  expectAgreementWithin(limitMs: number): void {
    for (const { after, watch } of this.#watches) {
      const tookMs = watch.agreedAtMs === null ? null : watch.agreedAtMs - watch.sinceMs
      const measured = tookMs === null ? 'never' : `${(tookMs / 1_000).toFixed(1)} s`
      this.expect(
        `one tip within ${limitMs / MINUTE_MS} minutes of ${after}`,
        tookMs !== null && tookMs <= limitMs,
        measured
      )
    }
  }

  until(elapsedMs: number): void {
    this.world.runUntil(elapsedMs, world => {
      const { elapsedMs, nodes } = world
      this.options.progress?.(progressLine(world), {
        elapsedMs,
        diskBytes: () => diskBytes(nodes)
      })
      return 'go-on'
    })
  }

  /** Runs to the end of the time asked for, lets everything come to rest and checks it. */
  finish(): SimReport {
    this.until(this.endMs)
    this.rest()
    return this.report()
  }

  /** Stops mining, waits until all honest nodes agree, and checks what has to hold then. */
  rest(options: RestOptions = {}): void {
    const { world, faults } = this
    faults.stopMining()
    this.until(world.elapsedMs + QUIET_MS)
    for (let round = 0; round < TIE_ROUNDS && !world.agreement.agreed; round++) {
      const [breaker] = world.honest.filter(({ lines }) => lines.length > 0)
      if (breaker === undefined) break
      // Its own hashrate may be tiny; the target has become whatever the chain's rule makes of the silence.
      for (const { miner } of breaker.lines) miner.setHashrate(world.totalHashrate)
      this.until(world.elapsedMs + TIE_ROUND_MS)
      faults.setHashrate(breaker.node, 0)
      this.until(world.elapsedMs + QUIET_MS)
    }
    checkAtRest(world, options)
    this.expect(
      'all honest nodes rest on one tip',
      world.agreement.agreed,
      `${world.honest.length} nodes, ${world.agreement.tips} tips`
    )
  }

  report(at: SimNode | undefined = this.world.honest[0]): SimReport {
    if (at === undefined) throw new RangeError('a run ends with a node that is up')
    return reportOf(this.world, {
      scenario: this.#scenario,
      seed: this.options.seed,
      at,
      convergence: this.#watches.map(({ after, watch }) => ({
        after,
        tookMs: watch.agreedAtMs === null ? null : watch.agreedAtMs - watch.sinceMs
      })),
      struck: this.struck,
      findings: this.#findings
    })
  }
}

function progressLine(world: World): string {
  const minutes = Math.round(world.elapsedMs / MINUTE_MS)
  const { census, agreement } = world
  return `${minutes} min: ${census.produced.size} shares, ${census.foundBlocks.size} blocks, ${agreement.nodes} nodes on ${agreement.tips} tips, ${census.events} events`
}

/** What memory takes beside its bytes for a row, its place in a map and two texts; and for a value, its two views: by heap snapshots. */
const ROW_OVERHEAD_BYTES = 112
const VALUE_OVERHEAD_BYTES = 208

/** What virtual disks take of memory. Nodes on one chain write the same values, and the world holds those once. */
function diskBytes(nodes: readonly SimNode[]): number {
  const values = new Set<Uint8Array>()
  let bytes = 0
  for (const { store } of nodes) {
    for (const [key, value] of store.disk.entries()) {
      bytes += key.length + ROW_OVERHEAD_BYTES
      if (values.has(value)) continue
      values.add(value)
      bytes += value.length + VALUE_OVERHEAD_BYTES
    }
  }
  return bytes
}
