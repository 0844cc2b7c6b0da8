import type { SteadyMs } from '@p2poolv2/primitives'
import type { GossipEvent } from '../contract.ts'
import type { PeerEffect } from '../network-port.ts'
import { type DecodedMessage, decodeMessage, encodeMessage, type PeerMessage } from '../wire/messages.ts'
import { decodeTemplateMessage, encodeTemplateMessage, type TemplateMessage } from '../wire/template-messages.ts'
import type { Actor } from './test-node.ts'

/** What a script does with a request: an answer, bytes of any kind, no answer at all, or an empty one. */
export type Reply = PeerMessage | Uint8Array | 'silent' | null

/** A peer that answers as a test says, and keeps what it was asked. */
export class ScriptedPeer implements Actor {
  readonly asked: DecodedMessage[] = []
  readonly askedTemplates: TemplateMessage[] = []
  /** What to answer on the template protocol. */
  templates: (message: TemplateMessage) => TemplateMessage | 'silent' | null = () => null
  /** What to answer when asked for rules; nothing, as an older node does. */
  rules: () => Uint8Array | null = () => null
  readonly #reply: (message: DecodedMessage) => Reply
  /** What to do when a connection stands. */
  readonly #greeting: readonly PeerMessage[]
  #lastId = 0

  constructor(reply: (message: DecodedMessage) => Reply, greeting: readonly PeerMessage[] = []) {
    this.#reply = reply
    this.#greeting = greeting
  }

  get nextDeadlineMs(): SteadyMs | null {
    return null
  }

  count(type: DecodedMessage['type']): number {
    return this.asked.filter(message => message.type === type).length
  }

  handle(event: GossipEvent): readonly PeerEffect[] {
    if (event.type === 'peerConnected') return this.#greeting.map(message => this.request(event.peer, message))
    if (event.type === 'gossip') {
      return [{ type: 'verdict', peer: event.peer, messageId: event.messageId, verdict: 'ignore' }]
    }
    if (event.type !== 'peerRequest') return []
    if (event.protocol === 'rules') {
      return [{ type: 'respond', peer: event.peer, requestId: event.requestId, payload: this.rules() }]
    }
    if (event.protocol === 'templates') return this.#template(event)
    const message = decodeMessage(event.payload)
    this.asked.push(message)
    const reply = message.type === 'handshake' ? ({ type: 'ack' } as const) : this.#reply(message)
    if (reply === 'silent') return []
    const payload = reply === null || reply instanceof Uint8Array ? reply : encodeMessage(reply)
    return [{ type: 'respond', peer: event.peer, requestId: event.requestId, payload }]
  }

  #template(event: Extract<GossipEvent, { type: 'peerRequest' }>): readonly PeerEffect[] {
    const message = decodeTemplateMessage(event.payload)
    this.askedTemplates.push(message)
    const reply = this.templates(message)
    if (reply === 'silent') return []
    const payload = reply === null ? null : encodeTemplateMessage(reply)
    return [{ type: 'respond', peer: event.peer, requestId: event.requestId, payload }]
  }

  /** Something the peer says unasked. */
  request(peer: string, message: PeerMessage | Uint8Array): PeerEffect {
    const payload = message instanceof Uint8Array ? message : encodeMessage(message)
    const requestId = ++this.#lastId
    return { type: 'request', peer, requestId, protocol: 'shares', payload, timeoutMs: 10_000 }
  }
}
