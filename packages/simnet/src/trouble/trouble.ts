import type { SeededRng } from '@p2poolv2/primitives'
import { pick } from '../chance.ts'
import type { Run } from '../scenarios/scenario.ts'
import type { Faults } from '../world/faults.ts'
import type { SimNode } from '../world/sim-node.ts'
import type { World } from '../world/world.ts'

/** One kind of thing that goes wrong, at any time and beside any other. */
export interface Trouble {
  readonly name: string
  /** It lasts between these. */
  readonly lastsMs: readonly [number, number]
  /** Brings it about. @returns what ends it; null if it cannot be now */
  begin(stage: Stage): (() => void) | null
}

/** What troubles have at hand, and what is taken: a node has one trouble with its disk at a time, and the network one cut. */
export class Stage {
  readonly run: Run
  readonly rng: SeededRng
  readonly #taken = new Set<string>()

  constructor(run: Run, rng: SeededRng) {
    this.run = run
    this.rng = rng
  }

  get world(): World {
    return this.run.world
  }

  get faults(): Faults {
    return this.run.faults
  }

  /** Takes something for a trouble. @returns what ends trouble and taking; null if another trouble has it */
  hold(what: string, deed: { readonly begin: () => void; readonly end: () => void }): (() => void) | null {
    if (this.#taken.has(what)) return null
    this.#taken.add(what)
    deed.begin()
    return () => {
      this.#taken.delete(what)
      deed.end()
    }
  }

  /** As `hold`, of some node. */
  holdNode(
    what: string,
    deed: { readonly begin: (node: SimNode) => void; readonly end: (node: SimNode) => void }
  ): (() => void) | null {
    const node = pick(this.rng, this.world.nodes)
    if (!node.isUp) return null
    return this.hold(`${what} ${node.node}`, { begin: () => deed.begin(node), end: () => deed.end(node) })
  }
}

/** For what is over at once. */
export function nothing(): void {}
