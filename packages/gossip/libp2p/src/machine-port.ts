import type { NetworkNames, PeerEffect, PeerEvent, PeerId, Protocol } from '@p2poolv2/gossip'
import { invariant } from '@p2poolv2/primitives'
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
  /** Bounded by the streams of the peers there are. */
  readonly #open = new Map<number, ServedRequest>()
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

  respond({ peer, requestId, payload }: Extract<PeerEffect, { type: 'respond' }>): void {
    void this.#respond({ peer, requestId, payload })
  }

  #take(protocol: Protocol, request: ServedRequest): void {
    const { peer, payload, over } = request
    const requestId = ++this.#lastId
    this.#open.set(requestId, request)
    over.addEventListener('abort', () => this.#open.delete(requestId), { once: true })
    this.#options.tellOf(peer, { type: 'peerRequest', peer, requestId, protocol, payload })
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

  async #respond({ peer, requestId, payload }: Omit<Extract<PeerEffect, { type: 'respond' }>, 'type'>): Promise<void> {
    const request = this.#open.get(requestId)
    this.#open.delete(requestId)
    invariant(request === undefined || request.peer === peer, 'an answer goes to the peer that asked')
    // Told in a turn of its own, also when the stream is over already.
    await request?.answer(payload)
    this.#options.tellOf(peer, { type: 'responded', peer, requestId })
  }
}
