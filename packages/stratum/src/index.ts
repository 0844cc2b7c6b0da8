export { BothProtocols } from './both-protocols.ts'
export type {
  AuthoriseRequest,
  DifficultyLimits,
  MinerIdentity,
  MinerSays,
  MinerSession,
  SessionEffect,
  SessionEvent,
  SessionOutput,
  SessionProtocol,
  SessionRemains,
  SessionSettings,
  StartProfile
} from './contract.ts'
export { DEFAULT_START_PROFILES, DEFAULT_VARDIFF } from './mining/difficulty.ts'
export { settingsOfDoor } from './mining/door-settings.ts'
export { JOB_LIFE_MS, MAX_JOBS, OLD_JOB_LIFE_MS } from './mining/job-registry.ts'
export type { SizeFit } from './mining/size-fit.ts'
export { type Answer, answerText } from './recording/answers.ts'
export { ConnectionRecorder } from './recording/connection-recorder.ts'
export { parseRecordings, RecordingError, recordingHead, recordingLine } from './recording/recording.ts'
export { type ReplayedConnection, replay } from './recording/replay.ts'
export { type LineFault, LineReader } from './v1/line-reader.ts'
export { isMisbehaviour } from './v1/messages.ts'
export { SIZE_CLASSES } from './v1/size-classes.ts'
export { StratumV1 } from './v1/stratum-v1.ts'
export { isWorkText, newestWork } from './v1/work-text.ts'
export { type ConnectionEffect, type ConnectionFault, V2Connection } from './v2/connection.ts'
export { framesIn, isWorkFrames, newestFrames } from './v2/work-frames.ts'
