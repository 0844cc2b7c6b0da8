import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
}

/** What went wrong under HTTP: `cause` is the system's error, null for the other kinds. */
export class ExchangeError extends Error {
  readonly kind: 'broken' | 'timed-out' | 'oversize' | 'aborted'
  /** The connection had served before: the server may have closed it as idle just when we wrote. */
  readonly onReusedSocket: boolean

  constructor(kind: ExchangeError['kind'], details: { readonly cause?: unknown; readonly onReusedSocket: boolean }) {
    super(kind, { cause: details.cause })
    this.name = 'ExchangeError'
    this.kind = kind
    this.onReusedSocket = details.onReusedSocket
  }
}

export interface ExchangeRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For the whole exchange, so that a server that drips bytes cannot hold it open. */
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
  readonly signal: AbortSignal | undefined
}

/** Connections of one client at most: calls beyond wait for one. Tip poll, template, long poll and a submission fit. */
const MAX_SOCKETS = 8

/** What a piece of a chunked answer counts for at least: to keep one takes as much, however little is in it. */
const MIN_CHUNK_COST_BYTES = 256
/** Words before an answer (status 1xx); bitcoind has none, a front may have one. */
const MAX_INFORMATIONAL = 8

/** Keep-alive POSTs to one URL. */
export class HttpExchange {
  readonly #url: URL
  readonly #agent: HttpAgent | HttpsAgent

  constructor(url: URL) {
    this.#url = url
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 2 }
    this.#agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options)
  }

  /** @throws ExchangeError */
  post(exchange: ExchangeRequest): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = exchange
      const request = this.#open(exchange)
      let settled = false
      const settle = (finish: () => void): void => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        finish()
      }
      const fail = (kind: ExchangeError['kind'], cause?: unknown): void =>
        settle(() => {
          request.destroy()
          reject(new ExchangeError(kind, { cause, onReusedSocket: request.reusedSocket }))
        })
      const onAbort = (): void => fail('aborted')
      const timer = setTimeout(() => fail('timed-out'), timeoutMs)
      signal?.addEventListener('abort', onAbort)
      request.on('error', error => fail('broken', error))
      let informational = 0
      request.on('information', () => {
        informational += 1
        if (informational > MAX_INFORMATIONAL) fail('oversize')
      })
      request.on('response', response =>
        collect(response, exchange.maxAnswerBytes, {
          done: body => settle(() => resolve({ status: response.statusCode ?? 0, body })),
          fail
        })
      )
      if (signal?.aborted === true) onAbort()
      else request.end(exchange.body)
    })
  }

  /** Closes idle connections and breaks those in use. */
  close(): void {
    this.#agent.destroy()
  }

  #open(exchange: ExchangeRequest): ClientRequest {
    const open = this.#url.protocol === 'https:' ? httpsRequest : httpRequest
    return open({
      protocol: this.#url.protocol,
      // URL keeps the brackets of an IPv6 address; the resolver does not want them.
      hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
      port: this.#url.port,
      path: `${this.#url.pathname}${this.#url.search}`,
      method: 'POST',
      agent: this.#agent,
      headers: { ...exchange.headers, 'content-length': String(Buffer.byteLength(exchange.body)) }
    })
  }
}

interface CollectEnd {
  done(body: Buffer): void
  fail(kind: ExchangeError['kind'], cause?: unknown): void
}

function collect(response: IncomingMessage, maxBytes: number, end: CollectEnd): void {
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += Math.max(chunk.length, MIN_CHUNK_COST_BYTES)
    if (bytes > maxBytes) end.fail('oversize')
    else chunks.push(chunk)
  })
  response.on('end', () => end.done(Buffer.concat(chunks)))
  // 'aborted' and a connection cut in the middle of the body both end here.
  response.on('error', error => end.fail('broken', error))
}
