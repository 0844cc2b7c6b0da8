import { consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import { MemoryStore, SCHEMA_VERSION, ShareChain, type StoredRow, type StoreIdentity } from '@p2poolv2/sharechain'
import { madeUpShares, PARAMS, type RowsWanted, stateRow } from './window-rows.ts'

export const IDENTITY: StoreIdentity = {
  schemaVersion: SCHEMA_VERSION,
  chain: PARAMS.chain,
  fingerprint: consensusFingerprint(PARAMS),
  genesisHash: genesisShare(PARAMS).hash
}

/** A store in memory that holds these shares. */
export function filledStore(wanted: RowsWanted): MemoryStore {
  const store = new MemoryStore(IDENTITY)
  store.commitNow(new ShareChain({ params: PARAMS }).genesisDelta())
  const puts: StoredRow[] = []
  let tip = IDENTITY.genesisHash
  for (const { height, hash, row } of madeUpShares(wanted)) {
    puts.push(row)
    if (height === wanted.shares) tip = hash
  }
  const sequence = store.sequence + 1
  puts.push(stateRow(tip, { sequence, shares: wanted.shares }))
  store.commitNow({ sequence, puts, deletes: [], durability: 'buffered' })
  return store
}

/** A chain in memory as after a start from a store with these shares. */
export function restoredChain(wanted: RowsWanted): ShareChain {
  const chain = new ShareChain({ params: PARAMS })
  chain.beginRestore()
  for (const row of filledStore(wanted).rows()) chain.restoreRow(row)
  chain.finishRestore()
  return chain
}
