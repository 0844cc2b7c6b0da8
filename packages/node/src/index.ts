export { MAX_RECENT_BLOCKS, RESULT_SEEN, RESULT_SUBMITTED, RESULT_UNANSWERED } from './chain/block-log.ts'
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
export type { Hashrates, HashrateWindow } from './figures/hashrate.ts'
export { HASHES_PER_DIFFICULTY } from './figures/hashrate.ts'
export type { PoolTotals, WorkerStats } from './figures/pool-stats.ts'
export type {
  ChainStatus,
  MinerEntry,
  NetworkStatus,
  NodeQueries,
  NodeStatus,
  WindowEntry,
  WorkStatus
} from './figures/queries.ts'
export type { AuthoriseOptions } from './miners/authorise.ts'
export { createAuthorise } from './miners/authorise.ts'
export { MAX_MINERS } from './miners/miners.ts'
export type { NodeCoreDeps, NodeCoreOptions } from './node-core.ts'
export { NodeCore } from './node-core.ts'
export type { WorkTemplate } from './work/work-template.ts'
