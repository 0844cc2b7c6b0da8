export {
  ChainBuilder,
  EASY_BITCOIN_BITS,
  easyParams,
  FAR_FUTURE_MS,
  GENESIS_TIME_SEC,
  headerItem,
  secondsAfter
} from './build-chain.ts'
export { deltaOf, foundBlock, hashOf, TEST_IDENTITY } from './deltas.ts'
export { refuseByOtherRules, StoredChain } from './stored-chain.ts'
