import { generateKeyPair } from '@libp2p/crypto/keys'
import { type ChainParams, devnetParams } from '@p2poolv2/consensus'
import type { PeerEvent, PeeringEvent } from '@p2poolv2/gossip'
import { createLog, systemClock } from '@p2poolv2/runtime'
import type { Network, NetworkOptions } from '../contract.ts'
import { startNetwork } from '../network.ts'
import { Changes } from './changes.ts'

/** A network on a free port of loopback, what it told, and as much of a peering machine as keeps a ban. */
export interface LoopbackNode {
  readonly network: Network
  readonly told: PeerEvent[]
  readonly peering: PeeringEvent[]
  /** Until when whom not to let in, by the steady clock. */
  readonly bans: Map<string, number>
}

/** Nodes that end with the test. */
export class Loopback {
  readonly changes = new Changes()
  readonly #nodes: LoopbackNode[] = []

  async start(options: Partial<NetworkOptions> = {}): Promise<LoopbackNode> {
    const clock = systemClock()
    const told: PeerEvent[] = []
    const peering: PeeringEvent[] = []
    const bans = new Map<string, number>()
    const network = await startNetwork({
      params: testParams(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      privateKey: await generateKeyPair('Ed25519'),
      agent: 'p2poolv2-ts/0.0.0',
      clock,
      log: createLog({ level: 'silent', format: 'json' }),
      admits: ({ peer }) => (clock.now().steadyMs < (bans.get(peer ?? '') ?? 0) ? 'banned' : null),
      ...options,
      tell: event => {
        told.push(event)
        options.tell?.(event)
        this.changes.happened()
      },
      tellPeering: event => {
        peering.push(event)
        if (event.type === 'dropped') bans.set(event.peer, clock.now().steadyMs + event.banMs)
        options.tellPeering?.(event)
        this.changes.happened()
      }
    })
    const node: LoopbackNode = { network, told, peering, bans }
    this.#nodes.push(node)
    return node
  }

  /** One dials another; over when the attempt is. */
  dial(from: LoopbackNode, to: LoopbackNode): Promise<void> {
    const [address] = to.network.addresses()
    if (address === undefined) throw new Error('it listens')
    return from.network.connect(address, to.network.peer)
  }

  /** Both ends are told of a connection of two. */
  async join(from: LoopbackNode, to: LoopbackNode): Promise<void> {
    await this.dial(from, to)
    await this.changes.until(() => isConnected(from, to) && isConnected(to, from))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map(({ network }) => network.stop()))
  }
}

export function isConnected(node: LoopbackNode, other: LoopbackNode): boolean {
  const { peer } = other.network
  const last = node.told.findLast(
    event => (event.type === 'peerConnected' || event.type === 'peerGone') && event.peer === peer
  )
  return last?.type === 'peerConnected'
}

export function testParams(genesisTimeSec = 1_700_000_000): ChainParams {
  return devnetParams({ genesisTimeSec })
}
