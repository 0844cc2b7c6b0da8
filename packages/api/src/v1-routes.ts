import { setTimeout as pause } from 'node:timers/promises'
import { openApiDocument } from '@p2poolv2/api/schema'
import type { FastifyInstance } from 'fastify'
import { answering, NoAnswer } from './answering.ts'
import { type AuditedJob, auditJson } from './answers/audit-answer.ts'
import { blocksJson, payoutsJson, payoutsTable } from './answers/blocks-answer.ts'
import { doctorJson } from './answers/doctor-answer.ts'
import { askedAddresses, earningsJson, ownSharesJson } from './answers/earnings-answer.ts'
import { widgetJson } from './answers/figures-answer.ts'
import { historyJson, historyTable, workerHistoryJson } from './answers/history-answer.ts'
import { sharesJson } from './answers/shares-answer.ts'
import { windowJson } from './answers/window-answer.ts'
import { coinbaseJson, templateJson } from './answers/work-answer.ts'
import { workerId, workersJson } from './answers/workers-answer.ts'
import type { EventStreams } from './events/event-streams.ts'
import type { Journal } from './events/journal.ts'
import type { EarningsDesk } from './reads/earnings-desk.ts'
import type { Household } from './reads/household.ts'
import type { NodeReads } from './reads/node-reads.ts'
import { statusJson } from './status-answer.ts'

/** What the answers are made with. */
export interface V1Parts {
  readonly reads: NodeReads
  readonly household: Household
  readonly desk: EarningsDesk
  readonly journal: Journal
  readonly streams: EventStreams
}

/** Routes of `/v1` that only read, and those beside them. */
export function v1Routes(server: FastifyInstance, { reads, household, desk, journal, streams }: V1Parts): void {
  const { clock, queries, history } = reads
  const now = () => clock.now()
  const parts = { desk, household }

  answering(server, 'status', () => statusJson(queries.status(now())))
  answering(server, 'earnings', ({ query }) => earningsJson(parts, query, now()))
  answering(server, 'workers', () => workersJson(reads, household, { rejects: journal.rejects, now: now() }))
  answering(server, 'workerHistory', ({ params, query }) => {
    const isKnown =
      history.series.some(({ address, worker }) => workerId(address, worker) === params.id) ||
      queries.workers(now()).some(({ payoutAddress, worker }) => workerId(payoutAddress, worker) === params.id)
    if (!isKnown) throw new NoAnswer(404, 'there is no worker of that id: /v1/workers has them')
    return workerHistoryJson(history, params.id, query, now())
  })
  answering(server, 'history', ({ query }) => historyJson(history, query, now()))
  answering(server, 'historyCsv', async ({ query, reply }) => {
    const table = await historyTable(history, query, now())
    return reply.type(CSV).header('content-disposition', 'attachment; filename="history.csv"').send(table)
  })
  answering(server, 'window', () => windowJson(reads, parts, now()))
  answering(server, 'shares', ({ query: { to, heights } }) =>
    sharesJson(queries.shares, { to: to ?? null, heights }, household.addresses())
  )
  answering(server, 'ownShares', ({ query }) => ownSharesJson(parts, query, now()))
  answering(server, 'blocks', ({ query: { limit, before, cursor } }) =>
    blocksJson(reads, household, { limit, before: before ?? null, cursor: cursor ?? null, now: now() })
  )
  answering(server, 'payouts', ({ query }) =>
    payoutsJson(reads, askedAddresses(query.address, reads.params) ?? household.addresses())
  )
  answering(server, 'payoutsCsv', async ({ query, reply }) => {
    const table = await payoutsTable(reads, askedAddresses(query.address, reads.params) ?? household.addresses())
    return reply.type(CSV).header('content-disposition', 'attachment; filename="payouts.csv"').send(table)
  })
  let auditing = false
  answering(server, 'audit', async ({ params }) => {
    // A full window takes seconds: one at a time.
    if (auditing) throw new NoAnswer(503, 'another audit is under way; try again in a few seconds')
    auditing = true
    try {
      return await auditJson({ ...reads, job: () => auditedJob(reads), breathe: halfOfTheTime() }, params.id)
    } finally {
      auditing = false
    }
  })
  answering(server, 'template', () => templateJson(queries.offered(), journal.template))
  answering(server, 'coinbase', () => coinbaseJson(reads, household.addresses()))
  answering(server, 'connect', () => reads.connect())
  answering(server, 'doctor', () => doctorJson(reads, now()))
  answering(server, 'log', () => ({ lines: [...reads.logLines()] }))
  answering(server, 'config', () => reads.config())
  answering(server, 'timeline', ({ query }) => ({ entries: journal.entries(query) }))
  answering(server, 'events', ({ query, request, reply }) => {
    if (!streams.hasRoom(request.ip)) {
      void reply.header('retry-after', '10')
      throw new NoAnswer(503, 'too many live viewers; try again in 10 s')
    }
    const lastId = /^\d{1,15}$/.exec(String(request.headers['last-event-id'] ?? ''))
    reply.hijack()
    streams.open(reply.raw, query.topics, lastId === null ? null : Number(lastId[0]))
    return undefined
  })

  answering(server, 'livez', () => ({ status: 'alive' }))
  answering(server, 'readyz', ({ reply }) => {
    const waiting = waitingFor(reads)
    if (waiting.length > 0) void reply.code(503)
    return { ready: waiting.length === 0, waiting }
  })
  answering(server, 'widget', () => widgetJson(reads, desk, now()))
  let document: ReturnType<typeof openApiDocument> | null = null
  server.get('/openapi.json', async () => {
    document ??= openApiDocument(queries.status(now()).version)
    return document
  })
}

/** Rests for as long as was worked since the last rest, so that nobody who may read can keep a core from the miners. */
function halfOfTheTime(): () => Promise<void> {
  let sinceMs = performance.now()
  return async () => {
    await pause(Math.min(performance.now() - sinceMs, LONGEST_REST_MS))
    sinceMs = performance.now()
  }
}

/** Null without work, and in the modes in which no share decides who is paid. */
function auditedJob({ queries, donation, fee }: NodeReads): AuditedJob | null {
  const work = queries.offered()
  if (work === null || work.windowBase === null || queries.mode !== 'sharechain') return null
  const { mining, windowBase } = work
  const { bitcoinHeight, bits, coinbase } = mining
  return { bitcoinHeight, bitcoinBits: bits, windowBase, donation, fee, coinbase: coinbase.bytes }
}

/** A computer that was asleep meanwhile did not work. */
const LONGEST_REST_MS = 1_000

const CSV = 'text/csv; charset=utf-8'

/** What keeps miners from work that can become shares. */
function waitingFor({ queries, clock }: NodeReads): string[] {
  const { jobs } = queries.work()
  const { bitcoind } = statusJson(queries.status(clock.now()))
  if (jobs === 'full') return []
  return [bitcoind.message ?? (jobs === 'none' ? 'There is no block template yet.' : 'Shares cannot be made yet.')]
}
