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
export { DEFAULT_START_PROFILES, DEFAULT_VARDIFF, difficultyText } from './difficulty.ts'
export { type LineFault, LineReader, type LinesRead, MAX_LINE_BYTES } from './line-reader.ts'
export { isMisbehaviour } from './messages.ts'
export { type NotifyParts, notifyLine, notifyParts } from './notify-line.ts'
export { Session } from './session.ts'
export { isWorkText, newestWork } from './work-text.ts'
