import { type ChainParams, consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import { type FoundBlock, SCHEMA_VERSION, ShareChain, type ShareStore, type StoreIdentity } from '@p2poolv2/sharechain'

/** Found blocks shown after a start; older ones stay on disk. */
const RECENT_BLOCKS = 50

/** What a store must belong to, to be opened by a node with these parameters. */
export function storeIdentity(params: ChainParams): StoreIdentity {
  return {
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  }
}

/** The share chain as the store has it; a new store gets the genesis share. */
export async function restoreChain(
  params: ChainParams,
  store: ShareStore
): Promise<{ readonly chain: ShareChain; readonly recentBlocks: readonly FoundBlock[] }> {
  const chain = new ShareChain({ params })
  let rows = 0
  chain.beginRestore()
  for await (const batch of store.load()) {
    for (const row of batch) chain.restoreRow(row)
    rows += batch.length
  }
  chain.finishRestore()
  if (rows === 0) await store.commit(chain.genesisDelta())
  return { chain, recentBlocks: await store.readBlocks(RECENT_BLOCKS) }
}
