import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ErrorJson } from '@p2poolv2/api/schema'
import type { NodeStatus } from '@p2poolv2/node'
import { type FastifyInstance, fastify } from 'fastify'
import { type PeerSources, peerRoutes } from './peer-routes.ts'
import { statusJson } from './status-answer.ts'

/** What the API reads, and the few things it may do. */
export interface ApiSources {
  /** The one view of the node, as plain values: the page, the status line and `/v1/status` all show it. */
  readonly status: () => NodeStatus
  /** Prometheus text exposition. */
  readonly metrics: () => Promise<string>
  readonly network: PeerSources
}

export interface ApiServerOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Allows what changes the node. */
  readonly token: string
}

/** Live viewers at most; one more is answered 503 with `retry-after`. */
export const MAX_EVENT_STREAMS = 64
/** Connections at once; further ones are closed at once. Miners and found blocks need the computer's descriptors too. */
export const MAX_CONNECTIONS = 128
/** Whoever has not sent a whole request by then is disconnected, within `CHECK_MS` more. */
const REQUEST_WITHIN_MS = 10_000
const CHECK_MS = 5_000
const EVENT_INTERVAL_MS = 1_000
/** Unsent bytes after which a viewer that does not read is disconnected. */
const MAX_UNSENT_BYTES = 1_048_576

/** REST, live events and the page, on one port. `listen` opens it, `stop` closes it and every stream. */
export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #sources: ApiSources
  readonly #server: FastifyInstance
  /** What each live viewer was last told. */
  readonly #streams = new Map<ServerResponse, string>()
  #timer: NodeJS.Timeout | null = null

  constructor(options: ApiServerOptions, sources: ApiSources) {
    this.#options = options
    this.#sources = sources
    this.#server = fastify({
      logger: false,
      forceCloseConnections: true,
      requestTimeout: REQUEST_WITHIN_MS,
      http: { headersTimeout: REQUEST_WITHIN_MS, connectionsCheckingInterval: CHECK_MS }
    })
    this.#server.server.maxConnections = MAX_CONNECTIONS
    this.#routes()
  }

  /** @returns the port in use */
  async listen(): Promise<number> {
    await this.#server.listen({ host: this.#options.host, port: this.#options.port })
    this.#timer = setInterval(() => this.#broadcast(), EVENT_INTERVAL_MS)
    this.#timer.unref()
    return (this.#server.server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    for (const stream of this.#streams.keys()) stream.end()
    this.#streams.clear()
    await this.#server.close()
  }

  #routes(): void {
    const page = readFileSync(new URL('../page/index.html', import.meta.url), 'utf8')
    this.#server.addHook('onRequest', async (request, reply) => {
      // A web page elsewhere must not read a household's node through the browser (DNS rebinding).
      if (!isLiteralHost(request.headers.host)) {
        return reply.code(421).send(refusal('open this page by IP address or localhost, not by another host name'))
      }
      reply.header('x-content-type-options', 'nosniff')
      return undefined
    })
    this.#server.get('/', async (_request, reply) => {
      reply.header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
      )
      return reply.type('text/html; charset=utf-8').send(page)
    })
    this.#server.get('/health', async (_request, reply) => reply.type('text/plain').send('OK'))
    this.#server.get('/v1/status', async () => statusJson(this.#sources.status()))
    this.#server.get('/metrics', async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await this.#sources.metrics())
    )
    this.#server.get('/v1/events', (_request, reply) => {
      if (this.#streams.size >= MAX_EVENT_STREAMS) {
        void reply.code(503).header('retry-after', '10').send(refusal('too many live viewers; try again in 10 s'))
        return
      }
      reply.hijack()
      const stream = reply.raw
      stream.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        connection: 'keep-alive'
      })
      stream.on('close', () => this.#streams.delete(stream))
      this.#streams.set(stream, '')
      this.#tell(stream, this.#statusText())
    })
    peerRoutes(this.#server, { sources: this.#sources.network, token: this.#options.token })
    this.#server.setNotFoundHandler((_request, reply) => {
      void reply
        .code(404)
        .send(refusal('no such page; there are /, /v1/status, /v1/events, /v1/peers, /v1/invite, /metrics and /health'))
    })
  }

  #broadcast(): void {
    if (this.#streams.size === 0) return
    const text = this.#statusText()
    for (const stream of this.#streams.keys()) this.#tell(stream, text)
  }

  #statusText(): string {
    return JSON.stringify(statusJson(this.#sources.status()))
  }

  #tell(stream: ServerResponse, text: string): void {
    if (this.#streams.get(stream) === text) return
    this.#streams.set(stream, text)
    if (stream.writableLength > MAX_UNSENT_BYTES) stream.destroy()
    else stream.write(eventOf(text))
  }
}

function refusal(error: string): ErrorJson {
  return { error }
}

function eventOf(json: string): string {
  return `event: status\ndata: ${json}\n\n`
}

/** Accepts `localhost`, `*.local` and IP literals, with or without a port. */
function isLiteralHost(host: string | undefined): boolean {
  if (host === undefined) return true
  return /^(localhost|[a-z0-9-]+\.local|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\])(:\d+)?$/i.test(host)
}
