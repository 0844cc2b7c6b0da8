export { type BlocksJson, blocksQuery, blocksSchema, type PayoutsJson, payoutsSchema } from './blocks.ts'
export {
  type ConfigJson,
  type ConnectJson,
  configAnswerSchema,
  connectSchema,
  type DoctorJson,
  doctorSchema
} from './checks.ts'
export {
  type Earnings,
  type EarningsJson,
  earningsQuery,
  earningsSchema,
  type OwnSharesJson,
  ownSharesSchema
} from './earnings.ts'
export {
  EVENT_SCHEMAS,
  EVENT_TOPICS,
  type EventTopic,
  eventsQuery,
  type FiguresJson,
  figuresSchema,
  type TimelineJson,
  timelineEntry,
  timelineQuery,
  timelineSchema
} from './events.ts'
export { livezSchema, readyzSchema, type WidgetJson, widgetSchema } from './health.ts'
export { openApiDocument } from './openapi.ts'
export {
  addPeerSchema,
  banSchema,
  type DoneJson,
  doneSchema,
  inviteSchema,
  type PeersJson,
  peersSchema,
  unbanSchema
} from './peers.ts'
export { ROUTES, type Route, type RouteName } from './routes.ts'
export { type ErrorJson, type Status, type StatusJson, statusSchema } from './status.ts'
export { type SharesJson, sharesQuery, sharesSchema, type WindowJson, windowSchema } from './window.ts'
export { type CoinbaseJson, coinbaseSchema, type TemplateJson, templateSchema } from './work.ts'
export {
  type HistoryJson,
  HOUSEHOLD_SERIES,
  historyQuery,
  historySchema,
  RANGES_SEC,
  WORKER_SERIES,
  type WorkerHistoryJson,
  type WorkersJson,
  workerHistoryQuery,
  workerHistorySchema,
  workersSchema
} from './workers.ts'
