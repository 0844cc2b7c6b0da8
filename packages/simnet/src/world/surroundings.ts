import type { Dialect } from '@p2poolv2/gossip'
import type { BacklogNews, CommitBacklog, NodeEffect, NodeEvent } from '@p2poolv2/node'
import type { BlockHash } from '@p2poolv2/primitives'
import type { BitcoinNet } from '../bitcoin/bitcoin-net.ts'
import type { SimBitcoind } from '../bitcoin/sim-bitcoind.ts'
import type { TopicMessage } from '../peers/endpoint.ts'
import type { PeerNetwork } from '../peers/peer-network.ts'
import type { DiskPool, SimStore } from '../sim-store.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import type { MinerLine } from './miner-line.ts'

/** What a node acts with. */
export interface Hands {
  readonly node: number
  readonly dialect: Dialect
  readonly store: SimStore
  /** What this life of the node gave to the disk. */
  readonly backlog: CommitBacklog
  readonly bitcoind: SimBitcoind
  readonly lines: readonly MinerLine[]
  /** @returns false when the node is down */
  post(event: NodeEvent): boolean
  tellBacklog(news: BacklogNews | null): void
  crash(): void
}

/** What all nodes of a world share. */
export interface Surroundings {
  readonly clock: VirtualClock
  readonly peers: PeerNetwork
  readonly bitcoin: BitcoinNet
  readonly diskPool: DiskPool
  /** Told of every event and what came of it, before any of it is performed. */
  readonly witness: Witness
  nextMinerId(): number
}

export interface Witness {
  handled(node: number, event: NodeEvent, turn: Turn): void
  /** A held topic message got its verdict. */
  judged(node: number, message: TopicMessage, verdict: 'accept' | 'ignore' | 'reject'): void
  lifeChanged(node: number, state: 'up' | 'down'): void
}

/** What one event brought about. */
export interface Turn {
  readonly effects: readonly NodeEffect[]
  /** The bitcoin block that the miner's lines carried. */
  readonly block: BlockHash | null
}
