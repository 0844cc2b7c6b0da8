export type { ChainOutcome } from './contract.ts'
export { ShareChain } from './share-chain.ts'
export { archiveStart, wholeHeights } from './store/archive.ts'
export { type BlockChanges, foundBlockOfRow, foundBlockRow, withBlocks } from './store/block-rows.ts'
export {
  blockKey,
  bodyKey,
  confirmedKey,
  headerKey,
  heightOfConfirmedKey,
  identityKey,
  indexKey,
  journalKey,
  journalStartKey,
  keyRange,
  parseIndexKey,
  RETIRED_PREFIX,
  stateKey
} from './store/keys.ts'
export { LAYOUT_STEPS, type LayoutStep, layoutSteps, OLDEST_LAYOUT } from './store/layout-steps.ts'
export { MemoryStore } from './store/memory-store.ts'
export {
  decodeArchiveRow,
  decodeHeaderRecord,
  decodeIdentity,
  decodeIndexRow,
  decodeState,
  encodeIdentity,
  encodeIndexRow,
  encodeState,
  type IndexRow,
  SCHEMA_VERSION,
  type StateRow
} from './store/records.ts'
export { sealed, unsealed } from './store/seal.ts'
export type {
  BlockPlace,
  ChainDelta,
  FoundBlock,
  HeaderRecord,
  ShareStore,
  StoredRow,
  StoreIdentity
} from './store/share-store.ts'
