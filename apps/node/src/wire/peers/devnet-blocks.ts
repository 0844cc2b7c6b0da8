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
  const exchange = await join({ tag, network, onBadPeer: drop })
  return {
    hear: event => {
      if (event.type === 'peerConnected' && event.dialect === 'ours') exchange.peerConnected(event.peer)
      if (event.type === 'peerGone') exchange.peerGone(event.peer)
    }
  }
}
