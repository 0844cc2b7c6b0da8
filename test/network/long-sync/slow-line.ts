import { createServer, connect as dial, type Server, type Socket } from 'node:net'

export interface LineOptions {
  /** Where it leads: a port of this computer. */
  readonly port: number
  /** Bytes a second each way at most, of all connections together. */
  readonly bytesPerSec: number
  /** What each chunk takes beside. */
  readonly latencyMs: number
}

/** A TCP proxy of our own that is as slow as a bad line: a stand-in for one where the system has no such networks. */
export class SlowLine {
  readonly #options: LineOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** When each way is free again, by `performance.now`. */
  readonly #freeAtMs = { up: 0, down: 0 }

  private constructor(options: LineOptions) {
    this.#options = options
    this.#server = createServer(near => {
      const far = dial({ port: options.port, host: '127.0.0.1', noDelay: true })
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.setNoDelay(true)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => this.#sockets.delete(socket))
      }
      this.#carry(near, far, 'up')
      this.#carry(far, near, 'down')
    })
  }

  static async open(options: LineOptions): Promise<SlowLine> {
    const line = new SlowLine(options)
    await new Promise<void>(resolve => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** One chunk at a time: what is not carried yet is the sender's to hold. */
  #carry(from: Socket, to: Socket, way: 'up' | 'down'): void {
    from.on('data', chunk => {
      from.pause()
      const { bytesPerSec, latencyMs } = this.#options
      const nowMs = performance.now()
      const freeAtMs = Math.max(nowMs, this.#freeAtMs[way]) + (chunk.length * 1_000) / bytesPerSec
      this.#freeAtMs[way] = freeAtMs
      setTimeout(
        () => {
          if (!to.destroyed) to.write(chunk)
          from.resume()
        },
        freeAtMs - nowMs + latencyMs
      )
    })
    from.on('end', () => to.end())
    from.on('close', () => to.destroy())
  }
}
