import type { IncomingMessage } from 'node:http'
import type { ErrorJson } from '@p2poolv2/api/schema'
import type { Clock } from '@p2poolv2/runtime'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { isLan, isOwnHost } from './host-names.ts'
import { basicCredentials, credentialsOf, isLogin, isSame, type Login } from './login.ts'
import { RateLimit, WRONG_LOGIN_COST } from './rate-limit.ts'

/** Who a request is let in as. */
export type Access = 'open' | 'read' | 'command'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route asks for; `read` if it does not say. */
    access?: Access
    /** Whether the login may come in the query as `token`, base64 of user:password: browsers' streams take no header. */
    tokenInQuery?: boolean
  }
}

export interface GateOptions {
  /** Null: whoever reaches the port may read. */
  readonly login: Login | null
  /** Whether the local network may read without it. */
  readonly lanReads: boolean
  /** Names beside addresses, localhost and *.local by which this node is reached. */
  readonly hostNames: readonly string[]
  /** Whether pages of other origins may read the answers. */
  readonly cors: boolean
  /** Of running.json: allows everything, whatever the login. */
  readonly token: string
}

const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type',
  'access-control-max-age': '600'
}

/** Asked before every route, the first refusal counts: host name, rate, CORS preflight, login. */
export class Gate {
  readonly #options: GateOptions
  readonly #clock: Clock
  readonly #hostNames: ReadonlySet<string>
  readonly #rate = new RateLimit()

  constructor(options: GateOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#hostNames = new Set(options.hostNames.map(name => name.toLowerCase()))
  }

  install(server: FastifyInstance): void {
    const { cors } = this.#options
    server.addHook('onRequest', async (request, reply) => {
      void reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer')
      if (!isOwnHost(request.headers.host, this.#hostNames)) return reply.code(421).send(refusal(HOST_REFUSED))
      if (this.#isTooMuch(request.ip, 1, reply)) return reply
      if (cors) void reply.headers(CORS_HEADERS)
      if (cors && request.method === 'OPTIONS') return reply.code(204).send()
      const { access = 'read', tokenInQuery = false } = request.routeOptions.config
      const { authorization } = request.headers
      const asking = { authorization, ip: request.ip, token: tokenInQuery ? queryToken(request.query) : null }
      if (access === 'open' || isAllowed(asking, access, this.#options)) return undefined
      if (authorization !== undefined && this.#isTooMuch(request.ip, WRONG_LOGIN_COST, reply)) return reply
      // Without www-authenticate: the page asks for the login itself, and no browser does in its stead.
      return reply.code(401).send(refusal(access === 'command' ? COMMAND_REFUSED : READ_REFUSED))
    })
  }

  /**
   * The same for a WebSocket, which is no request of a route. Browsers let any page open one, so who comes from a page must come
   * from ours.
   * @returns the HTTP status of the refusal; null to let it in
   */
  refusalOfSocket(request: IncomingMessage): number | null {
    const { host, origin, authorization } = request.headers
    if (!isOwnHost(host, this.#hostNames)) return 421
    const ip = request.socket.remoteAddress ?? ''
    if (this.#rate.take(ip, 1, this.#clock.now().steadyMs) > 0) return 429
    if (origin !== undefined && !this.#options.cors && hostOf(origin) !== host) return 403
    const token = new URL(request.url ?? '/', 'http://localhost').searchParams.get('token')
    if (isAllowed({ authorization, ip, token }, 'read', this.#options)) return null
    this.#rate.take(ip, WRONG_LOGIN_COST, this.#clock.now().steadyMs)
    return 401
  }

  #isTooMuch(ip: string, cost: number, reply: FastifyReply): boolean {
    const waitSec = this.#rate.take(ip, cost, this.#clock.now().steadyMs)
    if (waitSec === 0) return false
    void reply
      .code(429)
      .header('retry-after', waitSec)
      .send(refusal(`too many requests: try again in ${waitSec} s`))
    return true
  }
}

const HOST_REFUSED = 'open this page by IP address or localhost, or name this host in [api] host_names'
const READ_REFUSED = 'log in: send the user name and password of [api] auth_user as Basic authorization'
const COMMAND_REFUSED =
  'this changes the node: send the token of running.json in its data directory as a Bearer token, or log in'

interface Asking {
  readonly authorization: string | undefined
  readonly ip: string
  /** Of the query, base64 of user:password. */
  readonly token: string | null
}

function isAllowed({ authorization, ip, token }: Asking, access: 'read' | 'command', options: GateOptions): boolean {
  if (isSame(authorization ?? '', `Bearer ${options.token}`)) return true
  if (options.login === null) return access === 'read'
  const credentials = basicCredentials(authorization) ?? (token === null ? null : credentialsOf(token))
  if (credentials !== null && isLogin(options.login, credentials)) return true
  return access === 'read' && options.lanReads && isLan(ip)
}

function queryToken(query: unknown): string | null {
  const { token } = query as { readonly token?: unknown }
  return typeof token === 'string' ? token : null
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}

/** What every refusal looks like. */
export function refusal(error: string): ErrorJson {
  return { error }
}
