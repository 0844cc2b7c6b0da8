import type { DevChainServer } from '@p2poolv2/devchain/rpc'
import type { PeerEvent, PeerId } from '@p2poolv2/gossip'
import type { Network } from '@p2poolv2/gossip/libp2p'

/** The embedded development chain's side of an exchange. */
export type ExchangeBlocks = DevChainServer['exchangeBlocks']

/** Hears who comes and goes. */
export interface BlockExchangeEnd {
  hear(event: PeerEvent): void
}

/** Lets the embedded development chains of this network be one chain (docs/wire.md). */
export async function exchangeBlocks(
  join: ExchangeBlocks,
  deps: {
    readonly network: Network
    readonly tag: string
    readonly drop: (peer: PeerId, reason: string) => void
  }
): Promise<BlockExchangeEnd> {
  const { network, tag, drop } = deps
  const serving: Promise<void>[] = []
  const exchange = join({
    tag,
    network: {
      serve: (protocol, handler) => {
        serving.push(network.serve(protocol, async ({ peer, payload }) => handler(payload, peer)))
      },
      ask: async (peer, protocol, payload, timeoutMs) => {
        const outcome = await network.ask({ peer, protocol, payload, timeoutMs })
        if (outcome.type === 'failed') throw new Error(`no answer: ${outcome.reason}`)
        return outcome.payload
      },
      drop
    }
  })
  await Promise.all(serving)
  return {
    hear: event => {
      if (event.type === 'peerConnected' && event.dialect === 'ours') exchange.peerConnected(event.peer)
      if (event.type === 'peerGone') exchange.peerGone(event.peer)
    }
  }
}
