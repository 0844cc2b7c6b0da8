import { Deadlines, invariant, type ShareHash, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'

/** What a request of ours is for, and so what its answer means. */
export type Purpose =
  /** Handshakes, pushes and announcements: the answer is an acknowledgement and says nothing. */
  | { readonly type: 'told' }
  | { readonly type: 'rules' }
  | { readonly type: 'headers' }
  | { readonly type: 'body'; readonly hash: ShareHash }
  | { readonly type: 'template'; readonly branchKey: string }

export interface Outstanding {
  readonly requestId: number
  readonly peer: PeerId
  readonly purpose: Purpose
  readonly sentAtMs: SteadyMs
}

/**
 * Requests that have no answer yet. Each ends exactly once: with its answer, a failure, its time-out or the peer's going.
 * Grows with what its users ask at most: a few per peer for headers and templates, 16 for bodies, `MAX_TOLD` of the rest.
 */
export class RequestBook {
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #perPeer = new Map<PeerId, Set<number>>()
  readonly #deadlines = new Deadlines<number>()
  #lastId = 0

  get size(): number {
    return this.#outstanding.size
  }

  get nextDeadlineMs(): SteadyMs | null {
    return this.#deadlines.peek()?.atMs ?? null
  }

  /** Requests of this kind without answer from this peer. */
  count(peer: PeerId, type: Purpose['type']): number {
    let count = 0
    for (const id of this.#perPeer.get(peer) ?? []) if (this.#outstanding.get(id)?.purpose.type === type) count++
    return count
  }

  /** @returns the id of the new request */
  add(request: Omit<Outstanding, 'requestId'>, timeoutMs: number): number {
    const requestId = ++this.#lastId
    this.#outstanding.set(requestId, { ...request, requestId })
    const ids = this.#perPeer.get(request.peer)
    if (ids === undefined) this.#perPeer.set(request.peer, new Set([requestId]))
    else ids.add(requestId)
    this.#deadlines.set(requestId, steadyMs(request.sentAtMs + timeoutMs))
    return requestId
  }

  /** Ends a request; undefined if it has ended before. */
  take(requestId: number): Outstanding | undefined {
    const request = this.#outstanding.get(requestId)
    if (request === undefined) return undefined
    this.#outstanding.delete(requestId)
    this.#deadlines.delete(requestId)
    const ids = this.#perPeer.get(request.peer)
    ids?.delete(requestId)
    if (ids?.size === 0) this.#perPeer.delete(request.peer)
    return request
  }

  /** Ends every request whose time is over, the oldest first. */
  takeDue(nowMs: SteadyMs): Outstanding[] {
    return this.#takeAll(this.#deadlines.popDue(nowMs))
  }

  /** Ends every request to a peer. */
  takePeer(peer: PeerId): Outstanding[] {
    return this.#takeAll([...(this.#perPeer.get(peer) ?? [])])
  }

  checkInvariants(): void {
    this.#deadlines.checkInvariants()
    invariant(this.#deadlines.size === this.#outstanding.size, 'every request has a time-out')
    let listed = 0
    for (const [peer, ids] of this.#perPeer) {
      invariant(ids.size > 0, 'only peers with requests are listed')
      for (const id of ids) invariant(this.#outstanding.get(id)?.peer === peer, 'a request is listed for its peer')
      listed += ids.size
    }
    invariant(listed === this.#outstanding.size, 'every request is listed')
  }

  #takeAll(ids: readonly number[]): Outstanding[] {
    return ids.map(id => this.take(id)).filter(request => request !== undefined)
  }
}
