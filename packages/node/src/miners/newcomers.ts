import { hostNetwork, invariant } from '@p2poolv2/primitives'
import type { MinerId } from '../contract.ts'

/**
 * Miners that have had nothing accepted yet, by the host they came from: who has to give way where there is no room. To sit there costs
 * nothing, and over Stratum V2 a few connections carry thousands.
 */
export class Newcomers {
  /** Those that came first come first. Bounded as miners are. */
  readonly #byHost = new Map<string, Set<MinerId>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @param host address without port */
  add(id: MinerId, host: string): void {
    const network = hostNetwork(host)
    const there = this.#byHost.get(network) ?? new Set()
    this.#byHost.set(network, there.add(id))
    this.#size += 1
  }

  /** It has had something accepted, or is gone. */
  delete(id: MinerId, host: string): void {
    const network = hostNetwork(host)
    const there = this.#byHost.get(network)
    if (there?.delete(id) !== true) return
    this.#size -= 1
    if (there.size === 0) this.#byHost.delete(network)
  }

  /**
   * The first of the host that has the most, once the one that comes is counted; null if there is none.
   * @param host of who comes: where others have as many, one of its own gives way
   */
  first(host: string): MinerId | null {
    const own = this.#byHost.get(hostNetwork(host))
    let most = own ?? null
    let size = own === undefined ? 0 : own.size + 1
    for (const there of this.#byHost.values()) {
      if (there.size <= size) continue
      most = there
      size = there.size
    }
    const [first = null] = most ?? []
    return first
  }

  checkInvariants(): void {
    let size = 0
    for (const { size: one } of this.#byHost.values()) {
      invariant(one > 0, 'a host without newcomers is forgotten')
      size += one
    }
    invariant(size === this.#size, 'newcomers are counted')
  }
}
