import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import type { PeerId } from '../network-port.ts'

/**
 * Who has shown, when asked for headers last, another chain than our candidate chain, parting from it in what is kept: something to turn to
 * if the bodies of ours do not come. Connected peers only.
 */
export class OtherChains {
  readonly #chain: ChainIndex
  readonly #tellers = new Set<PeerId>()

  constructor(chain: ChainIndex) {
    this.#chain = chain
  }

  get isShown(): boolean {
    return this.#tellers.size > 0
  }

  /** What it told is lighter. @param anchor height of the lowest share of ours that its first answer was built on */
  lighter(peer: PeerId, anchor: Height): void {
    this.#note(peer, anchor + 1 >= this.#chain.keptFromHeight)
  }

  /** It has told all that it had. @param last the last of it; null if that was nothing */
  ended(peer: PeerId, last: ShareHash | null): void {
    const facts = last === null ? undefined : this.#chain.facts(last)
    if (facts === undefined || facts.validity === 'invalid') this.#note(peer, false)
    else {
      const below = this.#chain.candidateTip().height - facts.height
      const [ours] = this.#chain.locator(Math.max(0, below))
      this.#note(peer, ours !== last)
    }
  }

  gone(peer: PeerId): void {
    this.#tellers.delete(peer)
  }

  #note(peer: PeerId, isOther: boolean): void {
    if (isOther) this.#tellers.add(peer)
    else this.#tellers.delete(peer)
  }
}
