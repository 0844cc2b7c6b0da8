import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** What one connection asked of the proxy. */
export interface SocksAsked {
  readonly name: string
  readonly password: string
  /** As it was sent: an IP address as numbers, or a name. */
  readonly host: string
  readonly port: number
}

/** A SOCKS5 proxy on loopback that sends everybody to where a test wants. */
export class SocksServer {
  readonly asked: SocksAsked[] = []
  /** Where a connection goes; a number is the reply that refuses it. */
  route: (asked: SocksAsked) => { readonly port: number } | number = () => 5
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor() {
    this.#server = createServer(socket => {
      this.#keep(socket)
      this.#serve(socket).catch(() => socket.destroy())
    })
  }

  static async start(): Promise<SocksServer> {
    const it = new SocksServer()
    await new Promise<void>(resolve => it.#server.listen(0, '127.0.0.1', resolve))
    return it
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(socket: Socket): Promise<void> {
    const bytes = socket[Symbol.asyncIterator]()
    let held = Buffer.alloc(0)
    const take = async (length: number): Promise<Buffer> => {
      while (held.length < length) {
        const { value, done } = await bytes.next()
        if (done === true) throw new Error('hung up')
        held = Buffer.concat([held, value])
      }
      const taken = held.subarray(0, length)
      held = held.subarray(length)
      return taken
    }
    const text = async (): Promise<string> => (await take((await take(1)).readUInt8())).toString()
    await take((await take(2)).readUInt8(1))
    socket.write(Buffer.of(5, 2))
    await take(1)
    const [name, password] = [await text(), await text()]
    socket.write(Buffer.of(1, 0))
    const kind = (await take(4)).readUInt8(3)
    const host = kind === 3 ? await text() : [...(await take(kind === 1 ? 4 : 16))].join('.')
    const asked = { name, password, host, port: (await take(2)).readUInt16BE() }
    this.asked.push(asked)
    const route = this.route(asked)
    if (typeof route === 'number') {
      socket.end(Buffer.of(5, route, 0, 1, 0, 0, 0, 0, 0, 0))
      return
    }
    const far = dial({ port: route.port, host: '127.0.0.1' })
    this.#keep(far)
    socket.write(Buffer.of(5, 0, 0, 3, 2, 104, 105, 0, 0))
    if (held.length > 0) far.write(held)
    far.pipe(socket)
    for await (const chunk of { [Symbol.asyncIterator]: () => bytes }) far.write(chunk)
    far.end()
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
