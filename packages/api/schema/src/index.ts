export { type AlertsJson, type AlertTestJson, alertsSchema, alertTestSchema } from './alerts.ts'
export { type AuditJson, auditParams, auditSchema } from './audit.ts'
export { type BlocksJson, blocksSchema, type PayoutsJson, payoutsSchema } from './blocks.ts'
export {
  type ConfigJson,
  type ConnectJson,
  connectSchema,
  type DoctorJson,
  doctorSchema
} from './checks.ts'
export {
  type EarningsJson,
  earningsSchema,
  type OwnSharesJson,
  ownSharesSchema
} from './earnings.ts'
export {
  EVENT_SCHEMAS,
  type EventTopic,
  type FiguresJson,
  figuresSchema,
  type TimelineJson
} from './events.ts'
export type { WidgetJson } from './health.ts'
export { openApiDocument } from './openapi.ts'
export {
  doneSchema,
  inviteSchema,
  type PeersJson,
  peersSchema
} from './peers.ts'
export { ROUTES, type Route, type RouteName } from './routes.ts'
export {
  type SetupAnswers,
  type SetupCheckJson,
  type SetupDoneJson,
  type SetupJson,
  setupCheckSchema,
  setupDoneSchema,
  setupSchema
} from './setup.ts'
export { type ErrorJson, type Status, type StatusJson, statusSchema } from './status.ts'
export { type SharesJson, sharesSchema, type WindowJson, windowSchema } from './window.ts'
export { type CoinbaseJson, coinbaseSchema, type TemplateJson, templateSchema } from './work.ts'
export {
  type HistoryJson,
  historySchema,
  RANGES_SEC,
  type WorkerHistoryJson,
  type WorkersJson,
  workerHistorySchema,
  workersSchema
} from './workers.ts'
