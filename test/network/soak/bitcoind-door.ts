import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** The door of one node to a bitcoind that several share. While it is shut, the node finds nobody there, as if that bitcoind were stopped. */
export class BitcoindDoor {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #port: number
  #ownPort = 0

  private constructor(bitcoindUrl: string) {
    this.#port = Number(new URL(bitcoindUrl).port)
    this.#server = createServer(near => {
      const far = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
      near.setNoDelay(true)
      for (const [socket, other] of [
        [near, far],
        [far, near]
      ] as const) {
        this.#sockets.add(socket)
        socket.pipe(other)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          this.#sockets.delete(socket)
          other.destroy()
        })
      }
    })
  }

  /** @param bitcoindUrl on loopback */
  static async open(bitcoindUrl: string): Promise<BitcoindDoor> {
    const door = new BitcoindDoor(bitcoindUrl)
    await door.open()
    return door
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ownPort}`
  }

  /** At the port it had before. */
  async open(): Promise<void> {
    this.#server.listen(this.#ownPort, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (typeof address === 'object' && address !== null) this.#ownPort = address.port
  }

  async shut(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
