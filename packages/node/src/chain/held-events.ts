import type { NodeEvent } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'

/**
 * Messages, requests and answers of peers held back while the disk is behind; each can be a megabyte. Past this messages are
 * not passed on, requests get no answer, and answers are dropped: peers have others to talk to, and what is missed is asked
 * for later.
 */
export const MAX_HELD_PEER_EVENTS = 128

/** Events of peers: they make the chain grow, or belong in order with those that do. */
type HeldMessage = Extract<NodeEvent, { readonly type: 'gossip' | 'peerRequest' | 'peerResponse' }>
type Holdable = HeldMessage | Extract<NodeEvent, { readonly type: 'requestFailed' | 'peerConnected' | 'peerGone' }>

const KIND = {
  gossip: 'message',
  peerRequest: 'message',
  peerResponse: 'message',
  requestFailed: 'life',
  peerConnected: 'life',
  peerGone: 'life'
} as const satisfies Record<Holdable['type'], string>

/**
 * Events that wait because the disk is far behind the chain, in the order they came. Comings, goings and failures are small,
 * one a connection or request, and always have room.
 */
export class HeldEvents {
  readonly #effects: EffectList
  #isStoreBehind = false
  #events: Holdable[] = []
  #messages = 0

  constructor(effects: EffectList) {
    this.#effects = effects
  }

  /** From now on what peers bring waits. */
  storeBehind(): void {
    this.#isStoreBehind = true
  }

  /** Nothing waits any more. @returns what has, to be handled now */
  storeCaughtUp(): readonly Holdable[] {
    const events = this.#events
    this.#isStoreBehind = false
    this.#events = []
    this.#messages = 0
    return events
  }

  /** Whether an event has to wait, or is refused for lack of room: in either case it is not handled now. */
  holds(event: NodeEvent): boolean {
    if (!this.#isStoreBehind || !isHoldable(event)) return false
    if (KIND[event.type] !== 'message') this.#events.push(event)
    else if (this.#messages >= MAX_HELD_PEER_EVENTS) this.#refuse(event)
    else {
      this.#messages += 1
      this.#events.push(event)
    }
    return true
  }

  /** What wants an answer gets the one that costs nobody anything. */
  #refuse(event: Holdable): void {
    if (event.type === 'gossip') {
      const { peer, messageId } = event
      this.#effects.add({ type: 'verdict', peer, messageId, verdict: 'ignore' })
    } else if (event.type === 'peerRequest') {
      this.#effects.add({ type: 'respond', peer: event.peer, requestId: event.requestId, payload: null })
    }
    // The gossip machine notices answers that do not come; the rest always has room.
  }
}

function isHoldable(event: NodeEvent): event is Holdable {
  return event.type in KIND
}
