import type { NetworkNames, PeerEffect, PeerEvent, PeerId, Protocol } from '@p2poolv2/gossip'
import type { Requests, ServedRequest } from './requests.ts'

export interface MachinePortOptions {
  readonly names: NetworkNames
  readonly requests: Requests
  /** Drops what is about a peer that is gone. */
  readonly tellOf: (peer: PeerId, event: PeerEvent) => void
}

/** Requests and answers of the gossip machine: numbers on its side, streams on the other. */
export class MachinePort {
  readonly #options: MachinePortOptions
  /** Requests without an answer, bounded by the streams a peer may have; the machine answers each, if only with null. */
  readonly #open = new Map<number, ServedRequest>()
  /** Answers on their way, and to whom; bounded by the same. */
  readonly #leaving = new Map<number, PeerId>()
  #lastId = 0

  constructor(options: MachinePortOptions) {
    this.#options = options
  }

  async serve(protocols: readonly Protocol[]): Promise<void> {
    const { requests, names } = this.#options
    for (const protocol of protocols) {
      await requests.serve(names.protocols[protocol], request => this.#take(protocol, request))
    }
  }

  request(effect: Extract<PeerEffect, { type: 'request' }>): void {
    void this.#request(effect)
  }

  respond({ requestId, payload }: Extract<PeerEffect, { type: 'respond' }>): void {
    const request = this.#open.get(requestId)
    if (request === undefined) return
    this.#open.delete(requestId)
    this.#leaving.set(requestId, request.peer)
    // Told in a turn of its own, also when the stream is over already.
    void request.answer(payload).then(() => this.#left(requestId))
  }

  /** The peer is gone, and that it is stands for every answer on its way. */
  gone(peer: PeerId): void {
    for (const [requestId, asker] of this.#leaving) if (asker === peer) this.#leaving.delete(requestId)
    for (const [requestId, request] of this.#open) if (request.peer === peer) this.#open.delete(requestId)
  }

  #take(protocol: Protocol, request: ServedRequest): void {
    const { peer, payload } = request
    const requestId = ++this.#lastId
    this.#open.set(requestId, request)
    this.#options.tellOf(peer, { type: 'peerRequest', peer, requestId, protocol, payload })
  }

  #left(requestId: number): void {
    const peer = this.#leaving.get(requestId)
    if (peer === undefined) return
    this.#leaving.delete(requestId)
    this.#options.tellOf(peer, { type: 'responded', peer, requestId })
  }

  async #request({
    peer,
    requestId,
    protocol,
    payload,
    timeoutMs
  }: Extract<PeerEffect, { type: 'request' }>): Promise<void> {
    const { requests, names, tellOf } = this.#options
    const outcome = await requests.ask({ peer, protocol: names.protocols[protocol], payload, timeoutMs })
    if (outcome.type === 'answer') tellOf(peer, { type: 'peerResponse', requestId, payload: outcome.payload })
    else tellOf(peer, { type: 'requestFailed', requestId, reason: outcome.reason })
  }
}
