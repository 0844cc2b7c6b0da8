import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

interface Call {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** A bitcoin node that takes whatever block it is given, or says nothing at all. */
export class ScriptedBitcoind {
  readonly url: string
  /** The hex of every block it has taken. */
  readonly taken = new Set<string>()
  isSilent: boolean
  readonly #server: Server

  private constructor(server: Server, port: number, isSilent: boolean) {
    this.#server = server
    this.isSilent = isSilent
    this.url = `http://127.0.0.1:${port}`
    server.on('request', (request, response) => {
      let text = ''
      request.on('data', chunk => {
        text += String(chunk)
      })
      request.on('end', () => {
        if (this.isSilent) return
        const { id, method, params } = JSON.parse(text) as Call
        const result = method === 'submitblock' ? this.#take(String(params[0])) : null
        response.end(JSON.stringify({ id, result, error: null }))
      })
    })
  }

  static async start(manner: 'silent' | 'answering'): Promise<ScriptedBitcoind> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return new ScriptedBitcoind(server, port, manner === 'silent')
  }

  /** Breaks what hangs, so that it is asked again. */
  forgetCalls(): void {
    this.#server.closeAllConnections()
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #take(blockHex: string): string | null {
    if (this.taken.has(blockHex)) return 'duplicate'
    this.taken.add(blockHex)
    return null
  }
}
