import type { NodeEvent } from '@p2poolv2/node'

/**
 * Miner lines held back while the disk is behind. Past this a miner that goes on sending is disconnected: its lines would
 * be answered minutes late anyway, and it has other pools to go to.
 */
export const MAX_HELD_EVENTS = 10_000
/**
 * Messages, requests and answers of peers held back; each can be a megabyte. Past this messages are not passed on, requests
 * get no answer, and answers are dropped: peers have others to talk to, and what is missed is asked for later.
 */
export const MAX_HELD_PEER_EVENTS = 128

/** Events that make the chain grow, or belong in order with those that do. */
export type Holdable = Extract<
  NodeEvent,
  {
    readonly type:
      | 'minerLines'
      | 'minerGone'
      | 'gossip'
      | 'peerRequest'
      | 'peerResponse'
      | 'requestFailed'
      | 'peerConnected'
      | 'peerGone'
  }
>

const KIND = {
  minerLines: 'miner',
  minerGone: 'life',
  gossip: 'peer',
  peerRequest: 'peer',
  peerResponse: 'peer',
  requestFailed: 'life',
  peerConnected: 'life',
  peerGone: 'life'
} as const satisfies Record<Holdable['type'], string>

export function isHoldable(event: NodeEvent): event is Holdable {
  return event.type in KIND
}

/**
 * Events that wait because the disk is far behind the chain, in the order they came. Comings, goings and failures are small,
 * one a connection or request, and always have room.
 */
export class HeldEvents {
  #events: Holdable[] = []
  #minerLines = 0
  #peerMessages = 0

  get size(): number {
    return this.#events.length
  }

  /** @returns false if there is no room */
  add(event: Holdable): boolean {
    const kind = KIND[event.type]
    if (kind === 'miner') {
      if (this.#minerLines >= MAX_HELD_EVENTS) return false
      this.#minerLines += 1
    }
    if (kind === 'peer') {
      if (this.#peerMessages >= MAX_HELD_PEER_EVENTS) return false
      this.#peerMessages += 1
    }
    this.#events.push(event)
    return true
  }

  /** Hands all of them out. */
  take(): readonly Holdable[] {
    const events = this.#events
    this.#events = []
    this.#minerLines = 0
    this.#peerMessages = 0
    return events
  }
}
