import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DevChain, type DifficultyRule, MAX_BLOCK_BYTES } from '@p2poolv2/devchain'
import { type Clock, type Log, MESSAGES, systemClock } from '@p2poolv2/runtime'
import { ChainExchange, type ChainExchangeOptions } from './chain-exchange.ts'
import { LiveChain } from './live-chain.ts'
import { METHODS } from './methods.ts'
import { RPC_CODE, RpcFault } from './rpc-fault.ts'

export interface DevChainServerOptions {
  readonly user: string
  readonly password: string
  /** On 127.0.0.1; 0, also when absent, takes any free one. */
  readonly port?: number
  /** Where blocks are kept; without it the chain is forgotten at the end. */
  readonly file?: string
  readonly difficulty?: DifficultyRule
  readonly clock?: Clock
  readonly log?: Log
}

/** A call holds a block as hex at most; a longer one is refused without being kept. */
const MAX_REQUEST_BYTES = 2 * MAX_BLOCK_BYTES + 10_000

/** Connections at once; further ones are closed. */
const MAX_CONNECTIONS = 100

interface Reply {
  readonly status: number
  readonly body: unknown
}

/** A development chain behind the part of bitcoind's JSON-RPC that a pool uses, on this computer only. */
export class DevChainServer {
  /** For a node's configuration: `http://127.0.0.1:port` */
  readonly url: string
  readonly #live: LiveChain
  readonly #server: Server
  readonly #credentials: Buffer
  readonly #options: DevChainServerOptions
  #exchange: ChainExchange | null = null

  private constructor(server: Server, live: LiveChain, options: DevChainServerOptions) {
    this.#server = server
    this.#live = live
    this.#credentials = digest(`Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`)
    this.#options = options
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response))
  }

  /**
   * Restores the chain and listens.
   * @throws the system's error when the port is taken or the file cannot be used
   */
  static async start(options: DevChainServerOptions): Promise<DevChainServer> {
    const live = await LiveChain.open({ ...options, clock: options.clock ?? systemClock() })
    const server = createServer({ keepAliveTimeout: 30_000 })
    server.maxConnections = MAX_CONNECTIONS
    try {
      await listening(server, options.port ?? 0)
    } catch (error) {
      await live.close()
      throw error
    }
    return new DevChainServer(server, live, options)
  }

  get chain(): DevChain {
    return this.#live.chain
  }

  /** Keeps the chain in step with those of peers, until this server stops. Once. */
  async exchangeBlocks(options: Omit<ChainExchangeOptions, 'clock' | 'log'>): Promise<ChainExchange> {
    const { clock = systemClock(), log } = this.#options
    this.#exchange = await ChainExchange.start(this.#live, { ...options, clock, log })
    return this.#exchange
  }

  /** Answers waiting long polls, ends connections, and closes the file when every block is on the disk. */
  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#exchange?.stop()
    this.#live.closeWaiters()
    this.#server.closeIdleConnections()
    // Whoever is still being answered was told everything there is; nobody may hold up the end.
    setImmediate(() => this.#server.closeAllConnections())
    await closed
    await this.#live.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    // A connection that breaks needs no answer.
    request.on('error', () => gone.abort())
    const reply = await this.#answer(request, gone.signal)
    if (response.destroyed) return
    const headers = reply.status === 401 ? { 'www-authenticate': 'Basic realm="jsonrpc"' } : {}
    response.writeHead(reply.status, { 'content-type': 'application/json', ...headers })
    response.end(reply.body === undefined ? '' : `${JSON.stringify(reply.body)}\n`)
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<Reply> {
    if (request.method !== 'POST') return { status: 405, body: undefined }
    if (!this.#isAuthorised(request.headers.authorization)) return { status: 401, body: undefined }
    const text = await readBody(request)
    if (text === null) return { status: 413, body: undefined }
    let id: unknown = null
    try {
      const call = parseCall(text)
      id = call.id
      const method = Object.hasOwn(METHODS, call.method) ? METHODS[call.method] : undefined
      if (method === undefined) throw new RpcFault(RPC_CODE.methodNotFound, 'Method not found')
      return { status: 200, body: { result: await method(this.#live, call.params, signal), error: null, id } }
    } catch (error) {
      const fault = this.#faultOf(error)
      return {
        status: httpStatus(fault.code),
        body: { result: null, error: { code: fault.code, message: fault.message }, id }
      }
    }
  }

  #faultOf(error: unknown): RpcFault {
    if (error instanceof RpcFault) return error
    this.#options.log?.error(MESSAGES.devChainFailed, { err: error })
    return new RpcFault(RPC_CODE.internalError, error instanceof Error ? error.message : String(error))
  }

  #isAuthorised(header: string | undefined): boolean {
    return header !== undefined && timingSafeEqual(digest(header), this.#credentials)
  }
}

interface Call {
  readonly id: unknown
  readonly method: string
  readonly params: readonly unknown[]
}

function parseCall(text: string): Call {
  let call: unknown
  try {
    call = JSON.parse(text)
  } catch {
    throw new RpcFault(RPC_CODE.parseError, 'Parse error')
  }
  if (typeof call !== 'object' || call === null || Array.isArray(call)) {
    throw new RpcFault(RPC_CODE.invalidRequest, 'One call at a time, as a JSON object')
  }
  const { id = null, method, params = [] } = call as { id?: unknown; method?: unknown; params?: unknown }
  if (typeof method !== 'string') throw new RpcFault(RPC_CODE.invalidRequest, 'Method must be a string')
  if (!Array.isArray(params)) throw new RpcFault(RPC_CODE.invalidRequest, 'Params must be an array')
  return { id, method, params }
}

/** @returns null for a body that is too long, of which no more is read */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_REQUEST_BYTES) return null
      chunks.push(chunk)
    }
  } catch {
    return '' // the caller is gone; nobody will read the answer
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** As bitcoind answers JSON-RPC 1.0. */
function httpStatus(code: number): number {
  if (code === RPC_CODE.invalidRequest) return 400
  return code === RPC_CODE.methodNotFound ? 404 : 500
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}
