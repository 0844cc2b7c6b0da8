export {
  type BlockResult,
  BlockSubmitter,
  type BlockSubmitterOptions,
  type BlockSubmitterPorts,
  type FoundBlock,
  GIVE_UP_AFTER_MS,
  PERSIST_HEAD_START_MS,
  STALE_DEPTH_BLOCKS
} from './block-submitter.ts'
export { type BitcoindConfig, type BitcoindState, type BitcoindStatus, displayUrl } from './config.ts'
export { FEED_TIMINGS, type FeedTimings } from './feed-timings.ts'
export { getBestBlockHash, getChainInfo, getTemplate, type NodeChainInfo, templateRules } from './node-answers.ts'
export type { TemplateCause } from './node-watch.ts'
export { type Finding, type FindingCode, type PreflightExpectations, preflight, stateOfError } from './preflight.ts'
export { type CallOptions, MAX_ANSWER_BYTES, RPC_TIMEOUT_MS, RpcClient, type RpcClientOptions } from './rpc-client.ts'
export { RpcError, type RpcErrorCode, type RpcErrorFacts } from './rpc-error.ts'
export {
  TemplateFeed,
  type TemplateFeedOptions,
  type TemplateFeedPorts,
  TOLERATED_LAG_BLOCKS
} from './template-feed.ts'
export { ZmqHashblock, type ZmqHashblockOptions } from './zmq-hashblock.ts'
