export {
  ChainBuilder,
  easyParams,
  FAR_FUTURE_MS,
  GENESIS_TIME_SEC,
  headerItem,
  minerAddress,
  type ShareWish
} from './build-chain.ts'
export { deltaOf, foundBlock, hashOf, TEST_IDENTITY } from './deltas.ts'
export { restored, StoredChain, snapshotOf } from './stored-chain.ts'
