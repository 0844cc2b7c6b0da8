import { canonicalAddress, type DialFailure, type PeerAddress, type PeerId, type PeeringEvent } from '@p2poolv2/gossip'

/** What became of a dial: who is connected now, or why each address failed. */
export type DialResult =
  | { readonly type: 'connected'; readonly peer: PeerId; readonly address: PeerAddress }
  | { readonly type: 'failed'; readonly reasons: readonly DialFailure[] }

/** Lets a command wait for what becomes of the dials that it causes. */
export class DialResults {
  readonly #waiting = new Set<(event: PeeringEvent) => void>()

  /** Everything that the network tells the peering machine. */
  hear(event: PeeringEvent): void {
    for (const take of [...this.#waiting]) take(event)
  }

  /** The first of them that is connected, or why all failed; null if neither has come in time. */
  async of(
    target: { readonly peer: PeerId | null; readonly addresses: readonly PeerAddress[] },
    withinMs: number
  ): Promise<DialResult | null> {
    const reasons = new Map<PeerAddress, DialFailure>()
    const { promise, resolve } = Promise.withResolvers<DialResult | null>()
    const take = (event: PeeringEvent): void => {
      if (event.type !== 'connected' && event.type !== 'dialFailed') return
      const address = canonicalAddress(event.address) ?? event.address
      const isMeant = target.addresses.includes(address)
      if (event.type === 'connected') {
        if (isMeant || event.peer === target.peer) resolve({ type: 'connected', peer: event.peer, address })
      } else if (isMeant) {
        reasons.set(address, event.reason)
        if (reasons.size === target.addresses.length) resolve({ type: 'failed', reasons: [...reasons.values()] })
      }
    }
    const timer = setTimeout(() => resolve(null), withinMs)
    this.#waiting.add(take)
    try {
      return await promise
    } finally {
      this.#waiting.delete(take)
      clearTimeout(timer)
    }
  }
}
