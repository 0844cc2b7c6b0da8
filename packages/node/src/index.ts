export type { AuthoriseOptions } from './authorise.ts'
export { createAuthorise } from './authorise.ts'
export { MAX_RECENT_BLOCKS, RESULT_SEEN, RESULT_SUBMITTED, RESULT_UNANSWERED } from './block-log.ts'
export type {
  BitcoindStatus,
  BlockSubmitResult,
  IneligibleReason,
  MinerId,
  NodeEffect,
  NodeEvent,
  NodeFact,
  PeerEffect,
  PeerEvent,
  RenewCause,
  StopReason
} from './contract.ts'
export { EFFECT_RANK } from './contract.ts'
export type { Hashrates, HashrateWindow } from './hashrate.ts'
export { HASHES_PER_DIFFICULTY } from './hashrate.ts'
export { MAX_MINERS } from './miners.ts'
export type { NodeCoreDeps, NodeCoreOptions } from './node-core.ts'
export { NodeCore } from './node-core.ts'
export type { PoolTotals, WorkerStats } from './pool-stats.ts'
export type {
  BlockEntry,
  ChainStatus,
  MinerEntry,
  NetworkStatus,
  NodeQueries,
  NodeStatus,
  WindowEntry,
  WorkStatus
} from './queries.ts'
export type { WorkTemplate } from './work-template.ts'
