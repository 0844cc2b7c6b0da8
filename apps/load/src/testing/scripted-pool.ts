import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** How the pool answers the n-th submit of a connection, from 1. */
export type Verdict = 'accept' | 'refuse' | 'ignore'

/** A pool that speaks just enough Stratum, in another server's spelling: what it sends is as ckpool words it. */
export class ScriptedPool {
  readonly submits: { readonly user: string; readonly params: readonly string[] }[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #verdict: (submit: number) => Verdict
  readonly #difficulty: number

  constructor(options: { readonly difficulty: number; readonly verdict: (submit: number) => Verdict }) {
    this.#verdict = options.verdict
    this.#difficulty = options.difficulty
    this.#server = createServer(socket => this.#serve(socket))
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** A job to everybody, on the block whose hash is this byte over and over. */
  notify(block: string, options: { readonly full: boolean }): void {
    for (const socket of this.#sockets) socket.write(notifyLine(block, options))
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let rest = ''
    let submits = 0
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const { id, method, params } = JSON.parse(line) as { id: number; method: string; params: string[] }
        if (method === 'mining.subscribe') {
          socket.write(`{"result": [[["mining.notify", "6b0b8e8b"]], "8b8e0b6b", 4], "id": ${id}, "error": null}\n`)
          socket.write(`{"params": [${this.#difficulty}], "id": null, "method": "mining.set_difficulty"}\n`)
          socket.write(notifyLine('11', { full: true }))
        } else if (method === 'mining.authorize') {
          socket.write(`{"result": ${params[0] !== 'nobody.1'}, "error": null, "id": ${id}}\n`)
        } else {
          const [user = '', ...rest] = params
          this.submits.push({ user, params: rest })
          const verdict = this.#verdict(++submits)
          if (verdict === 'accept') socket.write(`{"result": true, "error": null, "id": ${id}}\n`)
          if (verdict === 'refuse') socket.write(`{"result": null, "error": [21, "Stale", null], "id": ${id}}\n`)
        }
      }
    })
  }
}

function notifyLine(block: string, { full }: { readonly full: boolean }): string {
  const branch = full ? [`"${'22'.repeat(32)}"`] : []
  const coinbase = ['"01000000"', '"00ffff"']
  const params = [
    '"job1"',
    `"${block.repeat(32)}"`,
    ...coinbase,
    `[${branch}]`,
    '"20000000"',
    '"1e0377ae"',
    '"65000000"'
  ]
  return `{"params": [${params.join(', ')}, true], "id": null, "method": "mining.notify"}\n`
}
