export { ChainBuilder, EASY_BITCOIN_BITS, easyParams, GENESIS_TIME_SEC, secondsAfter } from './build-chain.ts'
export { deltaOf, hashOf, TEST_IDENTITY } from './deltas.ts'
