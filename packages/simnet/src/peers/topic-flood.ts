import { messageId, type Topic } from '@p2poolv2/gossip'
import { BoundedMap } from '@p2poolv2/primitives'
import type { TopicMessage } from './endpoint.ts'

/** Messages a node remembers having had: more than come in two minutes to a thousand nodes. The oldest goes, and may then come again. */
const REMEMBERED_MESSAGES = 5_000

interface Spread {
  readonly message: TopicMessage
  /** One bit a node. */
  readonly seen: Uint8Array
  /** Whom a node has it from, while it has not said what to do with it. */
  readonly heldFrom: Map<number, number>
}

/** Who has had which topic message. What gossipsub keeps in a seen cache per node is here one bit per node and message. */
export class TopicFlood {
  readonly #spreads = new BoundedMap<string, Spread>(REMEMBERED_MESSAGES)
  readonly #bytesOfBits: number

  constructor(maxNodes: number) {
    this.#bytesOfBits = Math.ceil(maxNodes / 8)
  }

  /** The message of this data; the first publisher and time stay. */
  message(topic: Topic, data: Uint8Array, from: { readonly node: number; readonly nowMs: number }): TopicMessage {
    const id = messageId(topic, data)
    const known = this.#spreads.get(id)
    if (known !== undefined) return known.message
    const message: TopicMessage = { id, topic, data, origin: from.node, publishedAtMs: from.nowMs }
    this.#spreads.set(id, { message, seen: new Uint8Array(this.#bytesOfBits), heldFrom: new Map() })
    return message
  }

  /** @returns whether it is new to the node */
  see(id: string, node: number): boolean {
    const spread = this.#spreads.get(id)
    if (spread === undefined) return false
    const bit = 1 << (node & 7)
    const at = node >> 3
    const before = spread.seen[at] ?? 0
    spread.seen[at] = before | bit
    return (before & bit) === 0
  }

  hold(id: string, node: number, from: number): void {
    this.#spreads.get(id)?.heldFrom.set(node, from)
  }

  /** Ends the holding back. @returns the message and whom the node has it from; undefined if it holds no such message */
  release(id: string, node: number): { readonly message: TopicMessage; readonly from: number } | undefined {
    const spread = this.#spreads.get(id)
    const from = spread?.heldFrom.get(node)
    if (spread === undefined || from === undefined) return undefined
    spread.heldFrom.delete(node)
    return { message: spread.message, from }
  }
}
