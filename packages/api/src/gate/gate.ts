import type { ErrorJson } from '@p2poolv2/api/schema'
import type { Clock } from '@p2poolv2/runtime'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
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
export function installGate(server: FastifyInstance, options: GateOptions, clock: Clock): void {
  const hostNames = new Set(options.hostNames.map(name => name.toLowerCase()))
  const rate = new RateLimit()
  const isTooMuch = (request: FastifyRequest, reply: FastifyReply, cost: number): boolean => {
    const waitSec = rate.take(request.ip, cost, clock.now().steadyMs)
    if (waitSec === 0) return false
    void reply
      .code(429)
      .header('retry-after', waitSec)
      .send(refusal(`too many requests: try again in ${waitSec} s`))
    return true
  }
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer')
    if (!isOwnHost(request.headers.host, hostNames))
      return reply
        .code(421)
        .send(refusal('open this page by IP address or localhost, or name this host in [api] host_names'))
    if (isTooMuch(request, reply, 1)) return reply
    if (options.cors) void reply.headers(CORS_HEADERS)
    if (options.cors && request.method === 'OPTIONS') return reply.code(204).send()
    const access = request.routeOptions.config.access ?? 'read'
    if (access === 'open' || isAllowed(request, access, options)) return undefined
    if (request.headers.authorization !== undefined && isTooMuch(request, reply, WRONG_LOGIN_COST)) return reply
    // Without www-authenticate: the page asks for the login itself, and no browser does in its stead.
    return reply.code(401).send(refusal(access === 'command' ? COMMAND_REFUSED : READ_REFUSED))
  })
}

const READ_REFUSED = 'log in: send the user name and password of [api] auth_user as Basic authorization'
const COMMAND_REFUSED =
  'this changes the node: send the token of running.json in its data directory as a Bearer token, or log in'

function isAllowed(request: FastifyRequest, access: 'read' | 'command', options: GateOptions): boolean {
  const { login, lanReads, token } = options
  const { authorization } = request.headers
  if (isSame(authorization ?? '', `Bearer ${token}`)) return true
  if (login === null) return access === 'read'
  const credentials = basicCredentials(authorization) ?? queryCredentials(request)
  if (credentials !== null && isLogin(login, credentials)) return true
  return access === 'read' && lanReads && isLan(request.ip)
}

function queryCredentials(request: FastifyRequest): ReturnType<typeof credentialsOf> {
  if (request.routeOptions.config.tokenInQuery !== true) return null
  const { token } = request.query as { readonly token?: unknown }
  return typeof token === 'string' ? credentialsOf(token) : null
}

/** What every refusal looks like. */
export function refusal(error: string): ErrorJson {
  return { error }
}
