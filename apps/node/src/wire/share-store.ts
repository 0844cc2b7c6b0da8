import { type ChainParams, consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import { BLOCKS_READ } from '@p2poolv2/node'
import type { Log } from '@p2poolv2/runtime'
import { type FoundBlock, SCHEMA_VERSION, ShareChain, type ShareStore, type StoreIdentity } from '@p2poolv2/sharechain'
import { openLevelStore } from '@p2poolv2/sharechain/level'

/** The share chain as its store has it, and the store. */
export interface OpenedChain {
  readonly store: ShareStore
  readonly chain: ShareChain
  /** The newest of those on disk. */
  readonly recentBlocks: readonly FoundBlock[]
}

/** Opens the store in `folder` and restores the share chain from it; a new store gets the genesis share. */
export async function openShareChain(folder: string, params: ChainParams, log: Log): Promise<OpenedChain> {
  const store = await openLevelStore(folder, storeIdentity(params))
  const chain = await restoredChain(params, store)
  const { height, hash } = chain.confirmedTip()
  log.info({ chain: params.chain, height, tip: hash, shares: chain.shareCount }, 'share chain opened')
  return { store, chain, recentBlocks: await store.readBlocks(BLOCKS_READ) }
}

/** What a store must belong to, to be opened by a node with these parameters. */
export function storeIdentity(params: ChainParams): StoreIdentity {
  return {
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  }
}

async function restoredChain(params: ChainParams, store: ShareStore): Promise<ShareChain> {
  const chain = new ShareChain({ params })
  let rows = 0
  chain.beginRestore()
  for await (const batch of store.load()) {
    for (const row of batch) chain.restoreRow(row)
    rows += batch.length
  }
  chain.finishRestore()
  if (rows === 0) await store.commit(chain.genesisDelta())
  return chain
}
