export { LevelStore, type LevelStoreOptions, openLevelStore } from './level-store.ts'
export {
  StoreClosed,
  StoreDamaged,
  type StoreErrorCode,
  StoreLocked,
  StoreOfAnotherChain,
  StoreOfAnotherFingerprint,
  StoreSchema,
  StoreSequence,
  StoreUnavailable
} from './store-errors.ts'
