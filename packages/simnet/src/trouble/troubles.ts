import { between, exponential, pick } from '../chance.ts'
import { BITCOIN_TROUBLES, LOSES_BLOCKS } from './bitcoin-troubles.ts'
import { HOSTILE_TROUBLES } from './hostile-troubles.ts'
import { LINE_TROUBLES } from './line-troubles.ts'
import { NODE_TROUBLES } from './node-troubles.ts'
import type { Stage, Trouble } from './trouble.ts'

/** Everything that can go wrong. */
export const TROUBLES: readonly Trouble[] = [
  ...LINE_TROUBLES,
  ...NODE_TROUBLES,
  ...BITCOIN_TROUBLES,
  ...HOSTILE_TROUBLES
]

export interface TroublePlan {
  /** What may go wrong in this run. */
  readonly kinds: readonly Trouble[]
  /** Between two troubles, on average. */
  readonly meanGapMs: number
  readonly fromMs: number
  /** By then all is well again. */
  readonly untilMs: number
}

/** Lets things go wrong at random, one beside the other, until it is told to stop. */
export class Troubles {
  readonly #stage: Stage
  readonly #ends = new Set<() => void>()
  #isOver = false

  constructor(stage: Stage, plan: TroublePlan) {
    this.#stage = stage
    const { run, rng } = stage
    const next = (): void => {
      if (this.#isOver) return
      this.#strike(pick(rng, plan.kinds))
      run.at(run.world.elapsedMs + exponential(rng, plan.meanGapMs), next)
    }
    run.at(plan.fromMs, next)
    run.at(plan.untilMs, () => this.#makeAllWell())
  }

  get mayHaveLostBlocks(): boolean {
    return LOSES_BLOCKS.some(name => this.#stage.run.struck.has(name))
  }

  #strike(trouble: Trouble): void {
    const { run, rng } = this.#stage
    const lastsMs = between(rng, ...trouble.lastsMs)
    const undo = trouble.begin(this.#stage)
    if (undo === null) return
    run.struck.set(trouble.name, (run.struck.get(trouble.name) ?? 0) + 1)
    const end = (): void => {
      if (this.#ends.delete(end)) undo()
    }
    this.#ends.add(end)
    run.at(run.world.elapsedMs + lastsMs, end)
  }

  #makeAllWell(): void {
    const { world, faults } = this.#stage
    this.#isOver = true
    for (const end of [...this.#ends]) end()
    // Also whoever stopped by itself.
    for (const { node } of world.nodes) faults.restart(node)
  }
}
