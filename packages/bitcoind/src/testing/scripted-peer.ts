import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

export interface PeerRequest {
  /** The JSON-RPC id. */
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** What a scripted peer does with each request it was sent. */
export type PeerScript = (socket: Socket, request: PeerRequest) => void

/** A TCP server that answers RPC calls as no bitcoin node should. */
export class ScriptedPeer {
  readonly url: string
  readonly calls: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, port: number, script: PeerScript) {
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // The client breaking off is what several scripts are about.
      socket.on('error', () => socket.destroy())
      let text = ''
      socket.on('data', chunk => {
        text += chunk.toString('latin1')
        const body = text.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN)
        if (body < 0 || text.length < body + 4 + length) return
        const call = JSON.parse(text.slice(body + 4, body + 4 + length)) as PeerRequest
        text = text.slice(body + 4 + length)
        this.calls.push(call.method)
        script(socket, call)
      })
    })
  }

  static async start(script: PeerScript): Promise<ScriptedPeer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return new ScriptedPeer(server, typeof address === 'object' && address !== null ? address.port : 0, script)
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** One whole HTTP answer. */
export function httpAnswer(status: number, body: string): string {
  return `HTTP/1.1 ${status} X\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** One good JSON-RPC answer. */
export function rpcAnswer(id: number, result: unknown): string {
  return httpAnswer(200, JSON.stringify({ id, result, error: null }))
}

/** One JSON-RPC error, as bitcoind sends it. */
export function rpcRefusal(id: number, code: number, message: string): string {
  return httpAnswer(500, JSON.stringify({ id, result: null, error: { code, message } }))
}
