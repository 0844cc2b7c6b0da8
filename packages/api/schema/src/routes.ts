import { z } from 'zod'
import { alertsSchema, alertTestSchema } from './alerts.ts'
import { auditParams, auditSchema } from './audit.ts'
import { blocksQuery, blocksSchema, payoutsSchema } from './blocks.ts'
import { configAnswerSchema, connectSchema, doctorSchema, logSchema } from './checks.ts'
import { earningsQuery, earningsSchema, ownSharesSchema } from './earnings.ts'
import { eventsQuery, timelineQuery, timelineSchema } from './events.ts'
import { livezSchema, readyzSchema, widgetSchema } from './health.ts'
import {
  addPeerSchema,
  banSchema,
  doneSchema,
  inviteSchema,
  peersSchema,
  removePeerSchema,
  unbanSchema
} from './peers.ts'
import { setupAnswersSchema, setupCheckSchema, setupDoneSchema, setupSchema } from './setup.ts'
import { statusSchema } from './status.ts'
import { sharesQuery, sharesSchema, windowSchema } from './window.ts'
import { coinbaseSchema, templateSchema } from './work.ts'
import { historyQuery, historySchema, workerHistoryQuery, workerHistorySchema, workersSchema } from './workers.ts'

/** One route of `/v1`, or one beside it, as OpenAPI and the pages about the API describe it. */
export interface Route {
  readonly method: 'get' | 'post'
  /** Parameters in braces. */
  readonly path: string
  readonly summary: string
  readonly query?: z.ZodObject
  readonly params?: z.ZodObject
  readonly body?: z.ZodType
  /** Its JSON, or what it is instead. */
  readonly answer: z.ZodType | { readonly type: string; readonly description: string }
  /**
   * `open`: always; `read`: who may read; `owner`: with a login, the token of the data directory or, where no login is set, from a browser
   * on the node's own computer; `secret`: as `owner`, but from there as well with the login or the token alone; `command`: changes the node,
   * needs the login or the token.
   */
  readonly access: 'open' | 'read' | 'owner' | 'secret' | 'command'
}

const addressQuery = earningsQuery.pick({ address: true })

/** Every route this program has of its own, in the order in which it is described. */
export const ROUTES = {
  status: {
    method: 'get',
    path: '/v1/status',
    summary: 'The whole node at a glance',
    answer: statusSchema,
    access: 'read'
  },
  earnings: {
    method: 'get',
    path: '/v1/earnings',
    summary: 'Am I getting paid? What a block now pays, waits, chances and the long run',
    query: earningsQuery,
    answer: earningsSchema,
    access: 'read'
  },
  workers: {
    method: 'get',
    path: '/v1/workers',
    summary: 'Every miner, connected or not',
    answer: workersSchema,
    access: 'read'
  },
  workerHistory: {
    method: 'get',
    path: '/v1/workers/{id}/history',
    summary: 'A chart of one worker',
    params: z.strictObject({ id: z.string().max(512).describe('As `/v1/workers` gives it.') }),
    query: workerHistoryQuery,
    answer: workerHistorySchema,
    access: 'read'
  },
  history: {
    method: 'get',
    path: '/v1/history',
    summary: 'A chart of the household and the pool',
    query: historyQuery,
    answer: historySchema,
    access: 'read'
  },
  historyCsv: {
    method: 'get',
    path: '/v1/history.csv',
    summary: 'The same as a table',
    query: historyQuery.pick({ range: true, points: true }),
    answer: { type: 'text/csv', description: 'RFC 4180, UTF-8; docs/earnings.md has the columns' },
    access: 'read'
  },
  window: {
    method: 'get',
    path: '/v1/window',
    summary: 'The payout window and who is in it',
    answer: windowSchema,
    access: 'read'
  },
  shares: {
    method: 'get',
    path: '/v1/shares',
    summary: 'The share chain with its side branches',
    query: sharesQuery,
    answer: sharesSchema,
    access: 'read'
  },
  ownShares: {
    method: 'get',
    path: '/v1/shares/mine',
    summary: 'Our shares in the payout window, and when each leaves',
    query: addressQuery,
    answer: ownSharesSchema,
    access: 'read'
  },
  blocks: {
    method: 'get',
    path: '/v1/blocks',
    summary: 'Bitcoin blocks of the pool and what became of them',
    query: blocksQuery,
    answer: blocksSchema,
    access: 'read'
  },
  payouts: {
    method: 'get',
    path: '/v1/payouts',
    summary: 'What the pool’s blocks paid us, with confirmations and maturity',
    query: addressQuery,
    answer: payoutsSchema,
    access: 'read'
  },
  payoutsCsv: {
    method: 'get',
    path: '/v1/payouts.csv',
    summary: 'The same as a table',
    query: addressQuery,
    answer: { type: 'text/csv', description: 'RFC 4180, UTF-8; docs/earnings.md has the columns' },
    access: 'read'
  },
  audit: {
    method: 'get',
    path: '/v1/audit/{id}',
    summary: 'A payout worked out once more from stored shares, and held against the coinbase',
    params: auditParams,
    answer: auditSchema,
    access: 'read'
  },
  template: {
    method: 'get',
    path: '/v1/template',
    summary: 'The bitcoin block that is looked for',
    answer: templateSchema,
    access: 'read'
  },
  coinbase: {
    method: 'get',
    path: '/v1/coinbase',
    summary: 'What it pays, and which firmwares take it',
    answer: coinbaseSchema,
    access: 'read'
  },
  peers: { method: 'get', path: '/v1/peers', summary: 'Other nodes', answer: peersSchema, access: 'read' },
  invite: {
    method: 'get',
    path: '/v1/invite',
    summary: 'One string with which another node joins',
    answer: inviteSchema,
    access: 'read'
  },
  connect: {
    method: 'get',
    path: '/v1/connect',
    summary: 'What to write into a miner',
    answer: connectSchema,
    access: 'read'
  },
  doctor: {
    method: 'get',
    path: '/v1/doctor',
    summary: 'What was checked, and how to mend what is wrong',
    answer: doctorSchema,
    access: 'read'
  },
  config: {
    method: 'get',
    path: '/v1/config',
    summary: 'The configuration in force, without passwords',
    answer: configAnswerSchema,
    access: 'read'
  },
  log: {
    method: 'get',
    path: '/v1/log',
    summary: 'The last lines of the log, for a support bundle',
    answer: logSchema,
    access: 'command'
  },
  timeline: {
    method: 'get',
    path: '/v1/timeline',
    summary: 'What happened of late',
    query: timelineQuery,
    answer: timelineSchema,
    access: 'read'
  },
  events: {
    method: 'get',
    path: '/v1/events',
    summary: 'Live: what changes, as it changes',
    query: eventsQuery,
    answer: { type: 'text/event-stream', description: 'Server-sent events; the name of each is its topic' },
    access: 'read'
  },
  alerts: {
    method: 'get',
    path: '/v1/alerts',
    summary: 'What is told to the owner, where, and how that goes',
    answer: alertsSchema,
    access: 'read'
  },
  alertTest: {
    method: 'post',
    path: '/v1/alerts/test',
    summary: 'Send a test to each destination of alerts',
    answer: alertTestSchema,
    access: 'owner'
  },
  setup: {
    method: 'get',
    path: '/v1/setup',
    summary: 'What a first configuration begins from',
    answer: setupSchema,
    access: 'owner'
  },
  setupCheck: {
    method: 'post',
    path: '/v1/setup/check',
    summary: 'Look at the answers for a configuration, and ask the bitcoin node they name',
    body: setupAnswersSchema,
    answer: setupCheckSchema,
    access: 'secret'
  },
  setupWrite: {
    method: 'post',
    path: '/v1/setup',
    summary: 'Write the configuration and start again with it',
    body: setupAnswersSchema,
    answer: setupDoneSchema,
    access: 'secret'
  },
  addPeer: {
    method: 'post',
    path: '/v1/peers',
    summary: 'Stay connected to a node',
    body: addPeerSchema,
    answer: doneSchema,
    access: 'command'
  },
  removePeer: {
    method: 'post',
    path: '/v1/peers/remove',
    summary: 'No longer stay connected to a node',
    body: removePeerSchema,
    answer: doneSchema,
    access: 'command'
  },
  ban: {
    method: 'post',
    path: '/v1/bans',
    summary: 'Refuse a node for a while',
    body: banSchema,
    answer: doneSchema,
    access: 'command'
  },
  unban: {
    method: 'post',
    path: '/v1/unbans',
    summary: 'Let it in again',
    body: unbanSchema,
    answer: doneSchema,
    access: 'command'
  },
  livez: { method: 'get', path: '/livez', summary: 'Does the program run?', answer: livezSchema, access: 'open' },
  readyz: {
    method: 'get',
    path: '/readyz',
    summary: 'Do miners get work? 200 or 503',
    answer: readyzSchema,
    access: 'open'
  },
  widget: {
    method: 'get',
    path: '/widgets/pool',
    summary: 'Four numbers for Umbrel’s home screen',
    answer: widgetSchema,
    access: 'read'
  },
  metrics: {
    method: 'get',
    path: '/metrics',
    summary: 'For Prometheus',
    answer: { type: 'text/plain', description: 'Text exposition 0.0.4; docs/metrics.md has the names' },
    access: 'read'
  }
} as const satisfies Readonly<Record<string, Route>>

export type RouteName = keyof typeof ROUTES
