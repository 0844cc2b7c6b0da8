export type {
  AuthoriseRequest,
  CloseReason,
  DifficultyLimits,
  ExtranonceSpace,
  MinerIdentity,
  MinerSession,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions,
  SessionOutput,
  SessionProtocol,
  SessionSettings,
  StartProfile,
  VardiffOptions
} from './contract.ts'
export { DEFAULT_START_PROFILES, DEFAULT_VARDIFF, difficultyText } from './mining/difficulty.ts'
export { JOB_LIFE_MS, MAX_JOBS, OLD_JOB_LIFE_MS } from './mining/job-registry.ts'
export { type LineFault, LineReader, type LinesRead, MAX_LINE_BYTES } from './v1/line-reader.ts'
export { isMisbehaviour } from './v1/messages.ts'
export { StratumV1 } from './v1/stratum-v1.ts'
export { isWorkText, newestWork } from './v1/work-text.ts'
