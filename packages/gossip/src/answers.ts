import type { SteadyMs } from '@p2poolv2/primitives'
import type { HeaderSync } from './headers/sync.ts'
import type { PeerId } from './network-port.ts'
import type { GossipEffects } from './peers/gossip-effects.ts'
import type { Outstanding } from './peers/request-book.ts'
import type { RulesExchange } from './peers/rules.ts'
import type { FaultCode } from './peers/verdicts.ts'
import type { ShareFetcher } from './shares/fetcher.ts'
import type { ShareDoor } from './shares/share-door.ts'
import type { FetchOrder } from './shares/sources.ts'
import type { TemplateExchange } from './templates/exchange.ts'
import { decoded } from './wire/decoded.ts'
import { decodeMessage } from './wire/messages.ts'

interface Parts {
  readonly fetcher: ShareFetcher
  readonly headers: HeaderSync
  readonly door: ShareDoor
  readonly exchange: TemplateExchange
  readonly rules: RulesExchange
  readonly out: GossipEffects
}

/** Brings what peers answer to whoever asked. */
export class Answers {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @param payload null when there was no answer, or none in time */
  take(request: Outstanding, payload: Uint8Array | null, nowMs: SteadyMs): void {
    const { peer, purpose, requestId } = request
    switch (purpose.type) {
      case 'told':
        break
      case 'rules':
        this.#rules(peer, payload, nowMs)
        break
      case 'headers':
        this.#headers(request, payload, nowMs)
        break
      case 'body':
        this.#body({ hash: purpose.hash, peer }, payload, nowMs)
        break
      case 'template':
        this.#parts.exchange.answered(purpose.branchKey, { requestId, payload }, nowMs)
        break
      default:
        purpose satisfies never
    }
  }

  /** A peer with other rules is asked for nothing, and what it was asked before goes nowhere. */
  #rules(peer: PeerId, payload: Uint8Array | null, nowMs: SteadyMs): void {
    const { rules, out, fetcher, exchange, headers } = this.#parts
    if (!rules.answered(peer, payload, nowMs)) return
    out.awaitNothing(peer)
    fetcher.removeSource(peer)
    exchange.peerGone(peer)
    headers.peerGone(peer)
  }

  #headers(request: Outstanding, payload: Uint8Array | null, nowMs: SteadyMs): void {
    const message = payload === null ? null : decoded(() => decodeMessage(payload))
    const items = message?.type === 'shareHeaders' ? message.items : null
    if (payload !== null && items === null) {
      this.#blame(request.peer, message === null ? 'malformed-answer' : 'wrong-answer', nowMs)
    }
    this.#parts.headers.answered(request, items, nowMs)
  }

  #body(order: FetchOrder, payload: Uint8Array | null, nowMs: SteadyMs): void {
    const { fetcher, door } = this.#parts
    const { hash, peer } = order
    if (payload === null) {
      fetcher.answered(order, 'silent', nowMs)
      return
    }
    const message = decoded(() => decodeMessage(payload))
    if (message?.type === 'shareBlock' && message.share.hash === hash) {
      door.takeFetched(message.share, { via: 'fetch', peer }, nowMs)
    } else if (message?.type === 'notFound' && message.kind === 'share' && message.hash === hash) {
      fetcher.answered(order, 'absent', nowMs)
    } else {
      fetcher.answered(order, 'bad', nowMs)
      this.#blame(peer, message === null ? 'malformed-answer' : 'wrong-answer', nowMs)
    }
  }

  #blame(peer: PeerId, code: FaultCode, nowMs: SteadyMs): void {
    this.#parts.out.blame(peer, { code, route: 'stream' }, nowMs)
  }
}
