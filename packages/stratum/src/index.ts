export type {
  Authorise,
  AuthoriseRequest,
  CloseReason,
  DifficultyLimits,
  MinerIdentity,
  RejectCode,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions,
  SessionSettings,
  StartProfile,
  VardiffOptions
} from './contract.ts'
export { DEFAULT_START_PROFILES, DEFAULT_VARDIFF, difficultyText } from './mining/difficulty.ts'
export { type LineFault, LineReader, type LinesRead, MAX_LINE_BYTES } from './v1/line-reader.ts'
export { isMisbehaviour } from './v1/messages.ts'
export { type NotifyParts, notifyLine, notifyParts } from './v1/notify-line.ts'
export { Session } from './v1/session.ts'
export { isWorkText, newestWork } from './v1/work-text.ts'
