import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import { Recorder } from './recorder.ts'

/**
 * Stands in front of a bitcoin node and passes everything on at once but templates: those are held until the gate is opened, or for
 * a while each. So a node with a full mempool, which needs long for a template, is to be had at will.
 */
export class TemplateGate {
  readonly url: string
  /** The methods called, in order. */
  readonly asked = new Recorder<string>()
  readonly #server: Server
  readonly #upstream: URL
  #opened: Promise<unknown> = Promise.resolve()
  #open: () => void = () => {}
  /** Each template waits for so long; 0 for none. */
  delayMs = 0

  private constructor(server: Server, port: number, upstream: string) {
    this.#server = server
    this.#upstream = new URL(upstream)
    this.url = `http://127.0.0.1:${port}`
    server.on('request', (asked, answer) => void this.#pass(asked, answer))
  }

  static async start(upstream: string): Promise<TemplateGate> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return new TemplateGate(server, typeof address === 'object' && address !== null ? address.port : 0, upstream)
  }

  /** From now on templates wait for `open`. */
  shut(): void {
    this.#opened = new Promise<void>(resolve => {
      this.#open = resolve
    })
  }

  open(): void {
    this.#open()
  }

  async stop(): Promise<void> {
    this.open()
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of asked) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const { method, params } = JSON.parse(body.toString()) as { method: string; params: { longpollid?: string }[] }
    this.asked.add(params[0]?.longpollid === undefined ? method : 'long poll')
    const isTemplate = method === 'getblocktemplate'
    if (isTemplate) {
      await this.#opened
      if (this.delayMs > 0) await after(this.delayMs)
    }
    const { hostname, port } = this.#upstream
    const headers = { authorization: asked.headers.authorization ?? '', 'content-length': body.length }
    const passed = request({ hostname, port, method: 'POST', path: '/', headers }, got => {
      const give = (): void => {
        answer.writeHead(got.statusCode ?? 500, got.headers)
        got.pipe(answer)
      }
      // The answer to a long poll from before the gate was shut.
      if (isTemplate) void this.#opened.then(give)
      else give()
    })
    passed.on('error', () => answer.destroy())
    passed.end(body)
  }
}
