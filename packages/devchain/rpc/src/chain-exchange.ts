import {
  BlockExchange,
  type ExchangeEffect,
  type ExchangeEvent,
  exchangeProtocol,
  type PeerId
} from '@p2poolv2/devchain'
import { type Clock, type Log, MESSAGES } from '@p2poolv2/runtime'
import type { LiveChain } from './live-chain.ts'

/** What the exchange needs of a network of peers that speak request/response protocols, one frame each way. */
export interface BlockNetwork {
  /** @param handler resolves to null to close the stream without an answer */
  serve(
    protocol: string,
    handler: (request: { readonly peer: PeerId; readonly payload: Uint8Array }) => Promise<Uint8Array | null>
  ): Promise<void>
  /** Never rejects. An answer of null: the peer closed the stream without one. */
  ask(order: {
    readonly peer: PeerId
    readonly protocol: string
    readonly payload: Uint8Array
    readonly timeoutMs: number
  }): Promise<{ readonly type: 'answer'; readonly payload: Uint8Array | null } | { readonly type: 'failed' }>
}

export interface ChainExchangeOptions {
  readonly network: BlockNetwork
  /** First 8 hex digits of the genesis share's hash. */
  readonly tag: string
  /** A peer sent what no honest one sends. It is forgotten here until it is told as connected again. */
  readonly onBadPeer: (peer: PeerId, reason: string) => void
  readonly clock: Clock
  readonly log?: Log | undefined
}

/** Performs what the exchange of blocks wants, and tells it what happens. */
export class ChainExchange {
  /** Served by peers of the same devnet only. */
  readonly protocol: string
  readonly #live: LiveChain
  readonly #options: ChainExchangeOptions
  readonly #machine: BlockExchange
  #lastRequestId = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  private constructor(live: LiveChain, options: ChainExchangeOptions) {
    this.#live = live
    this.#options = options
    this.#machine = new BlockExchange({ chain: live.chain })
    this.protocol = exchangeProtocol(options.tag)
    live.onOwnBlocks = () => void this.#post({ type: 'ownBlocks' })
  }

  /** Resolves when peers are served. */
  static async start(live: LiveChain, options: ChainExchangeOptions): Promise<ChainExchange> {
    const exchange = new ChainExchange(live, options)
    await options.network.serve(exchange.protocol, async request => exchange.#answer(request))
    return exchange
  }

  /** A peer that serves `protocol` is here. */
  peerConnected(peer: PeerId): void {
    this.#post({ type: 'peerConnected', peer })
  }

  peerGone(peer: PeerId): void {
    this.#post({ type: 'peerGone', peer })
  }

  /** Nothing is asked, answered or added any more. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#live.onOwnBlocks = () => undefined
  }

  #answer({ peer, payload }: { readonly peer: PeerId; readonly payload: Uint8Array }): Uint8Array | null {
    const requestId = ++this.#lastRequestId
    const effects = this.#post({ type: 'request', peer, requestId, payload })
    const answer = effects.find(effect => effect.type === 'answer' && effect.requestId === requestId)
    return answer?.type === 'answer' ? answer.payload : null
  }

  #post(event: ExchangeEvent): readonly ExchangeEffect[] {
    if (this.#isStopped) return []
    const effects = this.#machine.handle(event, this.#options.clock.now())
    for (const effect of effects) this.#perform(effect)
    this.#arm()
    return effects
  }

  #perform(effect: ExchangeEffect): void {
    switch (effect.type) {
      case 'added':
        void this.#live.keep(effect.blocks)
        break
      case 'replaced':
        this.#options.log?.warn(MESSAGES.devChainReplaced)
        void this.#live.keepAll()
        break
      case 'ask':
        void this.#ask(effect)
        break
      case 'drop':
        this.#options.log?.warn(MESSAGES.devChainBadBlock, { peer: effect.peer, reason: effect.reason })
        this.#options.onBadPeer(effect.peer, effect.reason)
        break
      case 'answer':
        // Returned to who asked.
        break
      default:
        effect satisfies never
    }
  }

  async #ask({ peer, requestId, payload, timeoutMs }: Extract<ExchangeEffect, { type: 'ask' }>): Promise<void> {
    const outcome = await this.#options.network.ask({ peer, protocol: this.protocol, payload, timeoutMs })
    if (outcome.type === 'answer') this.#post({ type: 'response', requestId, payload: outcome.payload })
    else this.#post({ type: 'failed', requestId })
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const dueMs = this.#machine.nextDeadlineMs
    if (dueMs === null || this.#isStopped) return
    const waitMs = Math.max(0, dueMs - this.#options.clock.now().steadyMs)
    this.#timer = setTimeout(() => void this.#post({ type: 'deadline' }), waitMs)
  }
}
