export { MAX_ORPHAN_BYTES, MAX_ORPHANS, MAX_ORPHANS_PER_PEER } from './admission/orphan-pool.ts'
export type { ChainOutcome, ShareOrigin } from './contract.ts'
export { ShareChain, type ShareChainOptions } from './share-chain.ts'
export {
  blockKey,
  bodyKey,
  confirmedKey,
  headerKey,
  identityKey,
  indexKey,
  KEY_PREFIX,
  type KeyKind,
  keyRange,
  stateKey
} from './store/keys.ts'
export { MemoryStore } from './store/memory-store.ts'
export {
  decodeFoundBlock,
  decodeHeaderRecord,
  decodeIdentity,
  decodeState,
  encodeIdentity,
  SCHEMA_VERSION
} from './store/records.ts'
export { StoreCorrupt } from './store/restore.ts'
export { sealed, unsealed } from './store/seal.ts'
export type {
  ChainDelta,
  FoundBlock,
  FoundBlockOutput,
  HeaderRecord,
  ShareStore,
  StoredRow,
  StoreIdentity
} from './store/share-store.ts'
export { compareDigests } from './tree/hash-order.ts'
export { locatorHeights, MAX_HEADERS_PER_ANSWER } from './tree/locator.ts'
