import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ErrorJson } from '@p2poolv2/api/schema'
import type { Clock } from '@p2poolv2/runtime'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AddressRates, REQUESTS, WRONG_LOGIN_COST } from './address-rates.ts'
import { AnswerTime } from './answer-time.ts'
import { isLan, isLoopbackHost, isOwnHost, isThisComputer } from './host-names.ts'
import { basicCredentials, credentialsOf, isLogin, isSame, type Login } from './login.ts'

/** Who a request is let in as. */
export type Access = 'open' | 'read' | 'owner' | 'secret' | 'command'

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
  /** Names beside addresses and localhost by which this node is reached: this computer's own and those of the configuration. */
  readonly hostNames: readonly string[]
  /** Whether pages of other origins may read the answers. */
  readonly cors: boolean
  /** Of running.json: allows everything, whatever the login. */
  readonly token: string
  /** For how long who asks too much waits for the refusal, so that he cannot ask again meanwhile; default a second. */
  readonly refuseAfterMs?: number
  /** Milliseconds and their fractions, never stepping back; default the computer's. */
  readonly stopwatch?: () => number
}

const REFUSE_AFTER_MS = 1_000

const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type',
  'access-control-max-age': '600'
}

/** Asked before every route, the first refusal counts: rate, host name, CORS preflight, origin, login, time. */
export class Gate {
  readonly #options: GateOptions
  readonly #clock: Clock
  readonly #hostNames: ReadonlySet<string>
  readonly #rate = new AddressRates(REQUESTS)
  readonly #time = new AnswerTime()
  readonly #stopwatch: () => number

  constructor(options: GateOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#stopwatch = options.stopwatch ?? ((): number => performance.now())
    this.#hostNames = new Set(options.hostNames.map(name => name.toLowerCase()))
  }

  install(server: FastifyInstance): void {
    const { cors } = this.#options
    server.addHook('onRequest', async (request, reply) => {
      void reply.headers(HEADERS)
      if (!isOwnHost(request.headers.host, this.#hostNames)) return reply.code(421).send(refusal(HOST_REFUSED))
      if (cors) void reply.headers(CORS_HEADERS)
      if (cors && request.method === 'OPTIONS') return reply.code(204).send()
      const { access = 'read', tokenInQuery = false } = request.routeOptions.config
      const { authorization } = request.headers
      if (isForeign(request, access, cors)) return reply.code(403).send(refusal(ORIGIN_REFUSED))
      const token = tokenInQuery ? queryToken(request.query) : null
      const asking = { authorization, ip: request.ip, token, isAtHome: isAtHome(request.raw) }
      if (access === 'open') return undefined
      const isGuess = authorization !== undefined || token !== null
      // After some wrong ones the right login is not told from them either, for a while. The token nobody guesses, and commands go on.
      const isToken = isSame(authorization ?? '', `Bearer ${this.#options.token}`)
      const waitSec = isGuess && !isToken ? this.#take(request.raw, 0) : 0
      if (waitSec > 0) return this.#refuseIn(reply, waitSec, TOO_MANY)
      if (isAllowed(asking, access, this.#options)) return this.#withinTime(request, reply)
      if (isGuess) this.#take(request.raw, WRONG_LOGIN_COST)
      // Without www-authenticate: the page asks for the login itself, and no browser does in its stead.
      return reply.code(this.#refusalCode(access)).send(refusal(REFUSED[access]))
    })
  }

  /**
   * Counts a request before anything is made of it, whatever it is. Those of the owner at home are free.
   * @returns false if it was one too many: it is refused here, in a while
   */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const waitSec = isOwnCall(request) ? 0 : this.#take(request, 1)
    if (waitSec > 0) this.#refuse(response, waitSec, TOO_MANY)
    return waitSec === 0
  }

  /**
   * The same for a WebSocket, which is no request of a route. Browsers let any page open one, so who comes from a page must come
   * from ours.
   * @returns the HTTP status of the refusal; null to let it in
   */
  refusalOfSocket(request: IncomingMessage): number | null {
    const { host, origin, authorization } = request.headers
    if (this.#take(request, 1) > 0) return 429
    if (!isOwnHost(host, this.#hostNames)) return 421
    const ip = addressOf(request)
    if (origin !== undefined && !this.#options.cors && hostOf(origin) !== host) return 403
    const [, query] = (request.url ?? '').split('?', 2)
    const token = new URLSearchParams(query).get('token')
    if (isAllowed({ authorization, ip, token, isAtHome: false }, 'read', this.#options)) return null
    this.#take(request, WRONG_LOGIN_COST)
    return 401
  }

  /** Whether a request has shown the login or the token, and is not let in for where it comes from. */
  hasSecret({ headers }: FastifyRequest): boolean {
    return hasSecret(headers.authorization, null, this.#options)
  }

  /** 401 where a login would help: a page then asks for one. */
  #refusalCode(access: Access): number {
    return (access === 'owner' || access === 'secret') && this.#options.login === null ? 403 : 401
  }

  #take(request: IncomingMessage, cost: number): number {
    return this.#rate.take(payerOf(request), cost, this.#clock.now().steadyMs)
  }

  /** Lets a question be answered and takes note of what that costs, unless answers have cost too much. The owner's are not counted. */
  #withinTime(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (isOwnCall(request.raw) || this.hasSecret(request)) return undefined
    const payer = payerOf(request.raw)
    const waitSec = this.#time.waitSec(payer, this.#clock.now().steadyMs)
    if (waitSec > 0) return this.#refuseIn(reply, waitSec, TOO_DEAR)
    const fromMs = this.#stopwatch()
    reply.raw.once('prefinish', () =>
      this.#time.spend(payer, { fromMs, toMs: this.#stopwatch() }, this.#clock.now().steadyMs)
    )
    return undefined
  }

  #refuseIn(reply: FastifyReply, waitSec: number, why: string): FastifyReply {
    this.#refuse(reply.hijack().raw, waitSec, why)
    return reply
  }

  /** Not at once, so that to be refused costs who asks more time than it costs the node. */
  #refuse(response: ServerResponse, waitSec: number, why: string): void {
    const { refuseAfterMs = REFUSE_AFTER_MS } = this.#options
    const headers = { ...HEADERS, 'content-type': 'application/json; charset=utf-8', 'retry-after': String(waitSec) }
    const text = JSON.stringify(refusal(`${why}: try again in ${waitSec} s`))
    setTimeout(() => {
      if (!response.destroyed) response.writeHead(429, headers).end(text)
    }, refuseAfterMs).unref()
  }
}

const HEADERS = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }
const TOO_MANY = 'too many requests'
const TOO_DEAR = 'answers to this address have taken their twentieth of the node’s time, which miners need'
const HOST_REFUSED = 'open this page by IP address or localhost, or name this host in [api] host_names'
const ORIGIN_REFUSED = 'pages of other sites may neither ask nor change this node ([api] cors_allowed lets them ask)'
const READ_REFUSED = 'log in: send the user name and password of [api] auth_user as Basic authorization'
const REFUSED: Readonly<Record<Exclude<Access, 'open'>, string>> = {
  read: READ_REFUSED,
  owner:
    'this is for the owner: open the page as http://localhost on the computer the node runs on (from another one: ssh -L 46884:127.0.0.1:46884 THAT-COMPUTER), or set [api] auth_user and auth_token and log in',
  // To be on this computer is not enough where files are read and written: others may have accounts there.
  secret:
    'the node does not know that you are its owner: open the page by the link that ./p2poolv2 link prints now (each start makes a new one; from another computer first: ssh -L 46884:127.0.0.1:46884 THAT-COMPUTER), or log in',
  command: 'this changes the node: send the token of running.json in its data directory as a Bearer token, or log in'
}

interface Asking {
  readonly authorization: string | undefined
  readonly ip: string
  /** Of the query, base64 of user:password. */
  readonly token: string | null
  /** From this computer, to this computer. */
  readonly isAtHome: boolean
}

function isAllowed(asking: Asking, access: Exclude<Access, 'open'>, options: GateOptions): boolean {
  const { authorization, ip, token, isAtHome } = asking
  if (hasSecret(authorization, token, options)) return true
  if (options.login === null) return access === 'read' || (access === 'owner' && isAtHome)
  return access === 'read' && options.lanReads && isLan(ip)
}

function hasSecret(authorization: string | undefined, token: string | null, options: GateOptions): boolean {
  if (isSame(authorization ?? '', `Bearer ${options.token}`)) return true
  const credentials = basicCredentials(authorization) ?? (token === null ? null : credentialsOf(token))
  return options.login !== null && credentials !== null && isLogin(options.login, credentials)
}

/**
 * Browsers say of what may change something from which page it comes, and of every question to another site. What a page of elsewhere may
 * not read it may not ask either: its answer costs the node as much, in the owner's name.
 */
function isForeign({ method, headers }: FastifyRequest, access: Access, cors: boolean): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-dest': destination } = headers
  // A link on another page is the owner's own wish.
  if (access !== 'open' && !cors && site === 'cross-site' && destination !== 'document') return true
  const isReading = method === 'GET' || method === 'HEAD'
  if (access !== 'owner' && access !== 'secret' && (isReading || cors)) return false
  const { origin, host } = headers
  return origin !== undefined && hostOf(origin) !== host
}

/** A proxy on this computer speaks for others: it is not at home, and says so in a header of these. */
function isAtHome(request: IncomingMessage): boolean {
  const { headers } = request
  const isForwarded = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'].some(name => headers[name] !== undefined)
  return isThisComputer(addressOf(request)) && isLoopbackHost(headers.host) && !isForwarded
}

/** What is asked at home, and not by a page of elsewhere in the owner's browser. */
function isOwnCall(request: IncomingMessage): boolean {
  const { 'sec-fetch-site': site, origin, host } = request.headers
  return isAtHome(request) && site !== 'cross-site' && (origin === undefined || hostOf(origin) === host)
}

/** Whose bucket a request is taken from: those who come by way of this computer have one of their own, which is not the owner's. */
function payerOf(request: IncomingMessage): string {
  const address = addressOf(request)
  return isThisComputer(address) && !isOwnCall(request) ? 'others by way of this computer' : address
}

function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? ''
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
