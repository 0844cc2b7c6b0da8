import type { NodeEvent } from '../contract.ts'

/**
 * Messages, requests and answers of peers held back while the disk is behind; each can be a megabyte. Past this messages are
 * not passed on, requests get no answer, and answers are dropped: peers have others to talk to, and what is missed is asked
 * for later.
 */
export const MAX_HELD_PEER_EVENTS = 128

/** Events of peers: they make the chain grow, or belong in order with those that do. */
export type PeerMessage = Extract<NodeEvent, { readonly type: 'gossip' | 'peerRequest' | 'peerResponse' }>
export type Holdable =
  | PeerMessage
  | Extract<NodeEvent, { readonly type: 'requestFailed' | 'peerConnected' | 'peerGone' }>

const KIND = {
  gossip: 'message',
  peerRequest: 'message',
  peerResponse: 'message',
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
  #messages = 0

  /** @returns false if there is no room */
  add(event: Holdable): boolean {
    if (KIND[event.type] === 'message') {
      if (this.#messages >= MAX_HELD_PEER_EVENTS) return false
      this.#messages += 1
    }
    this.#events.push(event)
    return true
  }

  /** Hands all of them out. */
  take(): readonly Holdable[] {
    const events = this.#events
    this.#events = []
    this.#messages = 0
    return events
  }
}
