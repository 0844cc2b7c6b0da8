import type { BitcoindConfig } from '../config.ts'
import { displayUrl } from '../config.ts'
import { isBounded } from './answer-bounds.ts'
import { ExchangeError, type HttpAnswer, HttpExchange } from './http-exchange.ts'
import { authorization, credentialSetting } from './rpc-credentials.ts'
import { NODE_CODE, printable, RpcError, systemReason } from './rpc-error.ts'

export interface RpcClientOptions extends BitcoindConfig {
  /** For a whole call, by default RPC_TIMEOUT_MS. */
  readonly timeoutMs?: number
  /** By default MAX_ANSWER_BYTES. */
  readonly maxAnswerBytes?: number
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** For this call only; a long poll wants minutes. */
  readonly timeoutMs?: number
}

/** A template can take seconds while a small computer connects a block. */
export const RPC_TIMEOUT_MS = 30_000

/**
 * A full block's template has 8 MB of transaction hex and some 300 bytes of JSON beside each of up to 16,600
 * transactions. A longer answer is refused without being kept.
 */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** Calls one bitcoin node's JSON-RPC over keep-alive HTTP. Safe to use for several calls at once. */
export class RpcClient {
  /** Without credentials. */
  readonly url: string
  readonly #config: RpcClientOptions
  readonly #exchange: HttpExchange | null
  #nextId = 1

  constructor(options: RpcClientOptions) {
    this.#config = options
    this.url = displayUrl(options.url)
    const usable = URL.canParse(options.url) && /^https?:$/.test(new URL(options.url).protocol)
    this.#exchange = usable ? new HttpExchange(new URL(options.url)) : null
  }

  /**
   * Calls `method` and returns its result, of a shape the caller has to check.
   * @throws RpcError always of this class, with a message that names the setting to change
   */
  async call(method: string, params: readonly unknown[] = [], options: CallOptions = {}): Promise<unknown> {
    const header = await this.#authorization()
    try {
      return await this.#callOnce({ method, params, header, options })
    } catch (error) {
      // bitcoind was started anew between our reading its cookie and our call: there is a fresh one.
      if (!(error instanceof RpcError) || error.code !== 'unauthorised') throw error
      const fresh = await this.#authorization()
      if (fresh === header) throw error
      return await this.#callOnce({ method, params, header: fresh, options })
    }
  }

  /** Lets go of the connections; calls under way fail as `unreachable`. */
  close(): void {
    this.#exchange?.close()
  }

  async #authorization(): Promise<string | null> {
    if (this.#exchange === null) {
      const what = `${this.url} is not an http:// address of a bitcoin node: correct [bitcoind] url`
      throw new RpcError(what, { code: 'bad-url' })
    }
    return authorization(this.#config)
  }

  /** Tells whoever observes the node; what waits for something new on purpose says nothing of it. */
  async #callOnce(call: Call): Promise<unknown> {
    const { observer } = this.#config
    if (observer === undefined || isLongPoll(call)) return this.#exchanged(call)
    const fromMs = performance.now()
    const tell = (failed: string | null): void =>
      observer.called(call.method, (performance.now() - fromMs) / 1_000, failed)
    try {
      const result = await this.#exchanged(call)
      tell(null)
      return result
    } catch (error) {
      if (error instanceof RpcError && error.code !== 'aborted') tell(error.code)
      throw error
    }
  }

  async #exchanged(call: Call): Promise<unknown> {
    const id = this.#nextId++
    const answer = await this.#post(JSON.stringify({ id, method: call.method, params: call.params }), call)
    return this.#resultOf(answer, id, call.method)
  }

  async #post(body: string, call: Call): Promise<HttpAnswer> {
    const exchange = this.#exchange
    if (exchange === null) throw new RpcError('no URL', { code: 'bad-url' })
    const request = {
      headers: { 'content-type': 'application/json', ...(call.header === null ? {} : { authorization: call.header }) },
      body,
      timeoutMs: call.options.timeoutMs ?? this.#config.timeoutMs ?? RPC_TIMEOUT_MS,
      maxAnswerBytes: this.#config.maxAnswerBytes ?? MAX_ANSWER_BYTES,
      signal: call.options.signal
    }
    try {
      return await exchange.post(request).catch(error => {
        // An idle connection that the node closed just then. Every call we make may safely be made twice.
        if (error instanceof ExchangeError && error.kind === 'broken' && error.onReusedSocket) {
          return exchange.post(request)
        }
        throw error
      })
    } catch (error) {
      throw this.#transportError(error, request.timeoutMs)
    }
  }

  #transportError(error: unknown, timeoutMs: number): RpcError {
    if (!(error instanceof ExchangeError)) {
      // Node.js refuses some URLs and headers only when the request is made, for example a port it considers unsafe.
      const what = `${this.url} cannot be called (${systemReason(error)}): correct [bitcoind] url`
      return new RpcError(what, { code: 'bad-url', cause: error })
    }
    const { kind, cause } = error
    if (kind === 'aborted') return new RpcError(`the call to ${this.url} was given up`, { code: 'aborted' })
    if (kind === 'timed-out') {
      const what = `${this.url} did not answer within ${timeoutMs / 1000} s: it is overloaded, or [bitcoind] url is wrong`
      return new RpcError(what, { code: 'timed-out' })
    }
    if (kind === 'oversize') {
      const what = `${this.url} sent more than ${this.#config.maxAnswerBytes ?? MAX_ANSWER_BYTES} bytes: is [bitcoind] url a bitcoin node?`
      return new RpcError(what, { code: 'oversize' })
    }
    const reason = systemReason(cause)
    if (reason.startsWith('HPE_')) return this.#notANode('its answer is not HTTP', cause)
    const what = `${this.url} cannot be reached (${reason}): start bitcoind with server=1, or correct [bitcoind] url`
    return new RpcError(what, { code: 'unreachable', cause })
  }

  #resultOf(answer: HttpAnswer, id: number, method: string): unknown {
    if (answer.status === 401) {
      const what = `${this.url} does not accept our credentials: correct ${credentialSetting(this.#config)}`
      throw new RpcError(what, { code: 'unauthorised' })
    }
    if (answer.status === 403) {
      const what = `${this.url} does not allow calls from this computer: add rpcallowip=<this computer's address> to its bitcoin.conf, or correct [bitcoind] url`
      throw new RpcError(what, { code: 'forbidden' })
    }
    if (answer.status === 503) {
      const what = `${this.url} has too many calls waiting: raise rpcworkqueue and rpcthreads in its bitcoin.conf`
      throw new RpcError(what, { code: 'busy' })
    }
    if (!isBounded(answer.body)) {
      const what = `${this.url} answered ${method} with more values or names than a bitcoin node has to say: is [bitcoind] url a bitcoin node?`
      throw new RpcError(what, { code: 'oversize' })
    }
    const reply = jsonObject(answer.body.toString('utf8'))
    if (reply === null) throw this.#notANode(`HTTP status ${answer.status} without a JSON-RPC answer`)
    if (reply['id'] !== id && reply['id'] !== null) throw this.#notANode('an answer to something we did not ask')
    if (reply['error'] !== undefined && reply['error'] !== null) throw this.#nodeError(reply['error'], method)
    if (!('result' in reply)) throw this.#notANode('an answer without a result')
    return reply['result']
  }

  #nodeError(error: unknown, method: string): RpcError {
    const fields: Readonly<Record<string, unknown>> = typeof error === 'object' && error !== null ? { ...error } : {}
    const nodeCode = typeof fields['code'] === 'number' ? fields['code'] : 0
    const nodeMessage = printable(typeof fields['message'] === 'string' ? fields['message'] : JSON.stringify(error))
    if (nodeCode === NODE_CODE.warmingUp) {
      const what = `${this.url} is starting: ${nodeMessage}`
      return new RpcError(what, { code: 'starting', nodeCode, nodeMessage })
    }
    const what = `${this.url} refused ${method}: ${nodeMessage} (${nodeCode})`
    return new RpcError(what, { code: 'refused', nodeCode, nodeMessage })
  }

  #notANode(seen: string, cause?: unknown): RpcError {
    const what = `${this.url} does not answer as a bitcoin node does (${seen}): correct [bitcoind] url`
    return new RpcError(what, { code: 'not-a-node', cause })
  }
}

interface Call {
  readonly method: string
  readonly params: readonly unknown[]
  readonly header: string | null
  readonly options: CallOptions
}

function isLongPoll({ params: [wish] }: Call): boolean {
  return typeof wish === 'object' && wish !== null && 'longpollid' in wish
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null // the caller says what was expected instead
  }
}
