export { headerFor, type MinerJob, parseNotify } from './miner-job.ts'
export { parseSubscription, submitParams } from './miner-messages.ts'
