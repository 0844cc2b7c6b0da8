export { AlertSender } from './alert-sender.ts'
export type { Destination } from './destination.ts'
