import { hostNetwork, invariant } from '@p2poolv2/primitives'

/**
 * So many places, of which one host may have all while nobody else wants one. At the cap the host that has the most gives up its oldest;
 * if that is the host of who comes, there is none for him.
 */
export class Places<T> {
  readonly #cap: number
  /** The oldest first. */
  readonly #byHost = new Map<string, Set<T>>()
  #size = 0

  constructor(cap: number) {
    this.#cap = cap
  }

  get size(): number {
    return this.#size
  }

  /**
   * @param address of who comes; one of IPv6 counts for its network
   * @returns 'free', 'full', or who has to give way, whom the caller has to put out first
   */
  room(address: string): 'free' | 'full' | { readonly inTheWay: T } {
    if (this.#size < this.#cap) return 'free'
    let most: ReadonlySet<T> = new Set()
    for (const held of this.#byHost.values()) if (held.size > most.size) most = held
    if ((this.#byHost.get(hostNetwork(address))?.size ?? 0) >= most.size) return 'full'
    for (const inTheWay of most) return { inTheWay }
    return 'full'
  }

  take(holder: T, address: string): void {
    const host = hostNetwork(address)
    const held = this.#byHost.get(host) ?? new Set<T>()
    if (held.has(holder)) return
    this.#byHost.set(host, held.add(holder))
    this.#size += 1
  }

  leave(holder: T, address: string): void {
    const host = hostNetwork(address)
    const held = this.#byHost.get(host)
    if (held?.delete(holder) !== true) return
    this.#size -= 1
    if (held.size === 0) this.#byHost.delete(host)
  }

  checkInvariants(): void {
    invariant(this.#size <= this.#cap, 'places are within their cap')
    let size = 0
    for (const held of this.#byHost.values()) size += held.size
    invariant(size === this.#size, 'places are counted')
  }
}
