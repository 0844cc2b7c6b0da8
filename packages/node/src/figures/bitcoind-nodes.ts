import { invariant } from '@p2poolv2/primitives'
import type { BitcoindStatus } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'

/** Bitcoin nodes shown. The configuration names a handful; at the cap the rest is left out of the status. */
const MAX_BITCOIND_NODES = 16

/** How the bitcoin nodes stand that this node talks to; what changes about one is reported. */
export class BitcoindNodes {
  readonly #effects: EffectList
  #all: readonly BitcoindStatus[] = []

  constructor(effects: EffectList) {
    this.#effects = effects
  }

  /** In the order of the configuration. */
  get all(): readonly BitcoindStatus[] {
    return this.#all
  }

  take(nodes: readonly BitcoindStatus[]): void {
    const before = this.#all
    this.#all = nodes.slice(0, MAX_BITCOIND_NODES)
    for (const status of this.#all) {
      const known = before.find(node => node.url === status.url)
      if (known?.state === status.state && known.message === status.message) continue
      this.#effects.report({ type: 'bitcoindStatus', status })
    }
  }

  checkInvariants(): void {
    invariant(this.#all.length <= MAX_BITCOIND_NODES, 'bitcoin nodes are within their cap')
  }
}
