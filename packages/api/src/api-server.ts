import type { RequestListener, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { invariant } from '@p2poolv2/primitives'
import { type Log, MESSAGES } from '@p2poolv2/runtime'
import { type FastifyInstance, fastify } from 'fastify'
import { answering, NoAnswer } from './answering.ts'
import { earningsJson } from './answers/earnings-answer.ts'
import { figuresJson } from './answers/figures-answer.ts'
import { shareFields } from './answers/shares-answer.ts'
import { EventStreams } from './events/event-streams.ts'
import type { Journal } from './events/journal.ts'
import { Gate, type GateOptions, refusal } from './gate/gate.ts'
import { Places } from './gate/places.ts'
import { type AlertSources, ownerRoutes, type SetupSources } from './owner-routes.ts'
import { pageFiles } from './page-files.ts'
import { type PeerSources, peerRoutes } from './peer-routes.ts'
import { ckpoolRoutes } from './pools/ckpool.ts'
import { publicPoolRoutes } from './pools/public-pool.ts'
import { EarningsDesk } from './reads/earnings-desk.ts'
import { Household } from './reads/household.ts'
import type { NodeReads } from './reads/node-reads.ts'
import { chainRoutes } from './reference/chain-routes.ts'
import { LiveSocket } from './reference/live-socket.ts'
import { referencePeerRoutes } from './reference/peer-routes.ts'
import { statusJson } from './status-answer.ts'
import { v1Routes } from './v1-routes.ts'

/** What the API reads, and the few things it may do. */
export interface ApiSources {
  readonly reads: NodeReads
  /** Prometheus text exposition. */
  readonly metrics: () => Promise<string>
  readonly network: PeerSources
  readonly alerts: AlertSources
  readonly setup: SetupSources
  /** Is handed the node's facts by whoever runs it. */
  readonly journal: Journal
  readonly log: Log
}

export interface ApiServerOptions extends GateOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Where the built page is; without one there, its address says how to build it. */
  readonly pageDirectory: string | null
}

/** Connections at once; a further one takes a place of the host that has most. Miners and found blocks need the computer's descriptors too. */
export const MAX_CONNECTIONS = 128
/** Connections the system may hold ready: they are accepted in one turn, which miners do not have meanwhile. Who is not among them tries again. */
const BACKLOG = 32
/** Requests of a connection that are not answered yet. Clients send the next when they have the answer, and curl's tests a few. */
export const MAX_UNANSWERED = 16
/** Whoever has not sent a whole request by then is disconnected, within `CHECK_MS` more. */
const REQUEST_WITHIN_MS = 10_000
const CHECK_MS = 5_000
/** Of a request; commands are short. */
const MAX_BODY_BYTES = 16_384
/** Of a path's parameter: a worker's id. */
const MAX_PARAM_LENGTH = 512

/** REST, live events and the page, on one port. `listen` opens it, `stop` closes it and every stream. */
export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #server: FastifyInstance
  readonly #streams: EventStreams
  readonly #socket: LiveSocket

  constructor(options: ApiServerOptions, sources: ApiSources) {
    this.#options = options
    const { reads, journal } = sources
    const household = new Household(reads)
    const desk = new EarningsDesk(reads, household)
    this.#streams = eventStreams(reads, { household, desk, journal })
    this.#socket = new LiveSocket(reads.queries.shares)
    journal.listen(this.#streams)
    journal.listen(this.#socket)
    this.#server = fastify({
      logger: false,
      forceCloseConnections: true,
      requestTimeout: REQUEST_WITHIN_MS,
      bodyLimit: MAX_BODY_BYTES,
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
      http: { headersTimeout: REQUEST_WITHIN_MS, connectionsCheckingInterval: CHECK_MS }
    })
    const gate = new Gate(options, reads.clock)
    this.#server.server.on('connection', keptWithin(MAX_CONNECTIONS))
    gate.install(this.#server)
    answeredInTurn(this.#server.server, gate)
    this.#socket.attach(this.#server.server, request => gate.refusalOfSocket(request))
    installRefusals(this.#server, sources.log)
    v1Routes(this.#server, { reads, household, desk, journal, streams: this.#streams })
    peerRoutes(this.#server, sources.network)
    ownerRoutes(this.#server, { ...sources, gate })
    chainRoutes(this.#server, reads)
    referencePeerRoutes(this.#server, sources.network)
    publicPoolRoutes(this.#server, reads)
    ckpoolRoutes(this.#server, reads)
    answering(this.#server, 'metrics', async ({ reply }) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await sources.metrics())
    )
    this.#server.get('/health', { config: { access: 'read' } }, async (_request, reply) =>
      reply.type('text/plain').send('OK')
    )
    if (options.pageDirectory === null || !pageFiles(this.#server, options.pageDirectory)) noPage(this.#server)
  }

  /** @returns the port in use */
  async listen(): Promise<number> {
    await this.#server.listen({ host: this.#options.host, port: this.#options.port, backlog: BACKLOG })
    this.#streams.start()
    return (this.#server.server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#streams.stop()
    this.#socket.stop()
    await this.#server.close()
  }
}

function eventStreams(
  reads: NodeReads,
  {
    household,
    desk,
    journal
  }: { readonly household: Household; readonly desk: EarningsDesk; readonly journal: Journal }
): EventStreams {
  const now = () => reads.clock.now()
  return new EventStreams({
    status: () => statusJson(reads.queries.status(now())),
    figures: () => figuresJson(reads, desk, now()),
    earnings: () => earningsJson({ desk, household }, {}, now()),
    share: hash => {
      const facts = reads.queries.shares.facts(hash)
      return facts === undefined ? null : shareFields(facts, 'confirmed', household.addresses())
    },
    timeline: after => journal.entries({ after, limit: Number.MAX_SAFE_INTEGER })
  })
}

/** Half requests of one host must not keep others from asking. */
function keptWithin(cap: number): (socket: Socket) => void {
  const places = new Places<Socket>(cap)
  return socket => {
    const { remoteAddress = '' } = socket
    const room = places.room(remoteAddress)
    if (room === 'full') {
      socket.destroy()
      return
    }
    if (room !== 'free') {
      const { inTheWay } = room
      places.leave(inTheWay, inTheWay.remoteAddress ?? '')
      inTheWay.destroy()
    }
    places.take(socket, remoteAddress)
    socket.once('close', () => places.leave(socket, remoteAddress))
  }
}

/**
 * A read may hold two thousand requests, and all would be begun at once: who sends so many is hung up on, and nothing more is made of them.
 * The gate counts the others before fastify sees them, which answers some without asking it: paths that are none.
 */
function answeredInTurn(server: Server, gate: Gate): void {
  const unanswered = new WeakMap<Socket, number>()
  const [answer] = server.listeners('request') as RequestListener[]
  invariant(answer !== undefined, 'fastify listens')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const { socket } = request
    if (socket.destroyed) return
    const count = (unanswered.get(socket) ?? 0) + 1
    unanswered.set(socket, count)
    if (count > MAX_UNANSWERED) {
      socket.destroy()
      return
    }
    response.once('close', () => void unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1))
    if (gate.admits(request, response)) answer(request, response)
  })
  // Node would answer by itself, uncounted. No client expects anything but to be told to go on.
  server.on('checkExpectation', ({ socket }) => socket.destroy())
}

/** Every refusal has one shape, whoever refuses. */
function installRefusals(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    if (error instanceof NoAnswer) return reply.code(error.status).send(refusal(error.message))
    const status = error.statusCode ?? 500
    // What broke within is for the log, not for whoever asked.
    if (status >= 500) log.error(MESSAGES.apiFailed, { err: error, path: request.routeOptions.url })
    return reply.code(status).send(refusal(status < 500 ? error.message : 'the node could not answer: see its log'))
  })
  server.setNotFoundHandler((_request, reply) => {
    void reply
      .code(404)
      .send(refusal('no such page; /openapi.json lists what there is, /v1/status is the node at a glance'))
  })
}

/** Says what is missing where the page was not built; everything else answers all the same. */
function noPage(server: FastifyInstance): void {
  for (const url of ['/', '/dashboard']) {
    server.get(url, { config: { access: 'open' } }, async (_request, reply) =>
      reply.code(503).send(refusal('the page was not built; build it with: npm run build'))
    )
  }
}
