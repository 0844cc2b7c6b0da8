export { BLOCKS_READ } from './chain/block-keeper.ts'
export { type BacklogNews, CommitBacklog, deltaBytes } from './chain/commit-backlog.ts'
export type {
  BitcoindStatus,
  BlockSubmitResult,
  MinerId,
  NodeEffect,
  NodeEvent,
  NodeFact,
  StopReason
} from './contract.ts'

export { EFFECT_RANK } from './contract.ts'
export type { FiguresDelta, WorkerStats } from './figures/pool-stats.ts'
export type { NodeQueries, NodeStatus, ShareReads } from './figures/queries.ts'
export { NodeCore } from './node-core.ts'
export type { NodeCoreOptions } from './options.ts'
export type { AccountingDelta, AccountingRow } from './pplns/accounting.ts'
export type { WorkTemplate } from './work/work-template.ts'
