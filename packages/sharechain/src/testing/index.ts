export {
  ChainBuilder,
  EASY_BITCOIN_BITS,
  easyParams,
  FAR_FUTURE_MS,
  GENESIS_TIME_SEC,
  headerItem,
  minerAddress,
  type ShareWish,
  secondsAfter
} from './build-chain.ts'
export { deltaOf, foundBlock, hashOf, TEST_IDENTITY } from './deltas.ts'
export { restored, StoredChain, snapshotOf } from './stored-chain.ts'
