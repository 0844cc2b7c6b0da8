export { grind } from './grind.ts'
export { headerFor, type MinerJob, parseNotify } from './miner-job.ts'
export { parseSubscription, type Subscription, submitParams } from './miner-messages.ts'
