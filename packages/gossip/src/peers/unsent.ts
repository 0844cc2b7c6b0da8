import { invariant } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'

export interface UnsentBounds {
  /** Bytes on their way to one peer. */
  readonly perPeer: number
  /** Bytes on their way to all of them. */
  readonly inAll: number
}

/** Of what is left for all, one peer may have this part, so that the few that do not read leave room for the others. */
const PART_OF_THE_REST = 4

/**
 * Bytes given to the network that their receivers have not taken yet. What one peer may have on its way shrinks with what is left for all:
 * peers that do not read fill their own part, and there is always a part for the next. Who has nothing on its way may always be
 * given one thing, whatever its size, so nobody waits for others alone.
 */
export class UnsentBytes {
  readonly #bounds: UnsentBounds
  /** By the number under which the network tells that it has left. */
  readonly #items = new Map<number, { readonly peer: PeerId; readonly bytes: number }>()
  readonly #perPeer = new Map<PeerId, { bytes: number; readonly ids: Set<number> }>()
  #total = 0

  constructor(bounds: UnsentBounds) {
    this.#bounds = bounds
  }

  /** Bytes on their way to all peers. */
  get total(): number {
    return this.#total
  }

  /** Bytes on their way to a peer. */
  of(peer: PeerId): number {
    return this.#perPeer.get(peer)?.bytes ?? 0
  }

  /** How many things are on their way to a peer. */
  count(peer: PeerId): number {
    return this.#perPeer.get(peer)?.ids.size ?? 0
  }

  /** @param promised bytes that will be on their way to the peer soon, beside the `bytes` in question */
  hasRoom(peer: PeerId, bytes: number, promised = 0): boolean {
    const has = this.of(peer) + promised
    if (has === 0) return true
    const room = Math.min(this.#bounds.perPeer, (this.#bounds.inAll - this.#total + this.of(peer)) / PART_OF_THE_REST)
    return has + bytes <= room
  }

  add(id: number, peer: PeerId, bytes: number): void {
    invariant(!this.#items.has(id), 'what is on its way is counted once')
    this.#items.set(id, { peer, bytes })
    const known = this.#perPeer.get(peer) ?? { bytes: 0, ids: new Set<number>() }
    known.bytes += bytes
    known.ids.add(id)
    this.#perPeer.set(peer, known)
    this.#total += bytes
  }

  /** It has left, or never will. */
  left(id: number): void {
    const item = this.#items.get(id)
    if (item === undefined) return
    this.#items.delete(id)
    this.#total -= item.bytes
    const known = this.#perPeer.get(item.peer)
    if (known === undefined) return
    known.bytes -= item.bytes
    known.ids.delete(id)
    if (known.ids.size === 0) this.#perPeer.delete(item.peer)
  }

  /** With its connection everything on its way to it is gone. */
  peerGone(peer: PeerId): void {
    for (const id of [...(this.#perPeer.get(peer)?.ids ?? [])]) this.left(id)
  }

  checkInvariants(): void {
    let total = 0
    let items = 0
    for (const [peer, { bytes, ids }] of this.#perPeer) {
      let counted = 0
      for (const id of ids) {
        const item = this.#items.get(id)
        invariant(item?.peer === peer, 'what is on its way is listed for its peer')
        counted += item.bytes
      }
      invariant(counted === bytes && ids.size > 0, 'bytes on their way to a peer are counted')
      total += bytes
      items += ids.size
    }
    invariant(total === this.#total && items === this.#items.size, 'bytes on their way are counted')
  }
}
