import { openPeerStore, type PeerStore } from '@p2poolv2/gossip/libp2p'
import type { Log } from '@p2poolv2/runtime'

/** The peers of before a restart. */
export interface KnownPeers {
  readonly store: PeerStore
  readonly records: Awaited<ReturnType<PeerStore['records']>>
  /** Whether this node was among others, so that the share chain has gone on without it. */
  readonly wereGood: boolean
}

/** @param folder of the peer store */
export async function openKnownPeers(folder: string, log: Log): Promise<KnownPeers> {
  const store = await openPeerStore(folder, log)
  const records = await store.records()
  const wereGood = records.some(record => record?.type === 'address' && record.lastGoodMs !== null)
  return { store, records, wereGood }
}
