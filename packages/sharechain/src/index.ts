export type { ChainOutcome } from './contract.ts'
export { ShareChain } from './share-chain.ts'
export { bodyKey, confirmedKey, headerKey, identityKey, indexKey, keyRange, stateKey } from './store/keys.ts'
export { MemoryStore } from './store/memory-store.ts'
export {
  decodeFoundBlock,
  decodeHeaderRecord,
  decodeIdentity,
  decodeState,
  encodeIdentity,
  SCHEMA_VERSION
} from './store/records.ts'
export { sealed, unsealed } from './store/seal.ts'
export type { ChainDelta, FoundBlock, HeaderRecord, ShareStore, StoredRow, StoreIdentity } from './store/share-store.ts'
