import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import type { Stage } from '../../e2e/stage/stage.ts'
import type { Half, TwoHalves } from './two-halves.ts'

export interface ProxyOptions {
  /** What every byte between the halves takes, each way. */
  readonly latencyMs: number
  /** One connection between the halves is reset so often, the oldest first, once it has stood a minute. */
  readonly resetEveryMs: number
}

interface Line {
  readonly near: Socket
  readonly far: Socket
  readonly sinceMs: number
}

/**
 * A younger line is not reset. For a node a connection that ended within a minute is a dial that failed, and the wait after the one dial that
 * succeeds at the end of a cut would be twice that before it: more than the test waits for halves to find each other again.
 */
const YOUNG_MS = 60_000

/** SOCKS5 replies. */
const DONE = Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)
const UNREACHABLE = Buffer.of(5, 4, 0, 1, 0, 0, 0, 0, 0, 0)

/**
 * Not a network but a stand-in for one: a SOCKS5 proxy of our own for each half, through which its nodes dial everybody. Between the halves
 * it adds latency, resets connections now and then, and while it is cut resets all of them and refuses new ones. Unlike on a line
 * that fails, both ends are told.
 */
export async function openCuttingProxy(stage: Stage, options: ProxyOptions): Promise<TwoHalves> {
  const proxy = new CuttingProxy(options)
  stage.onEnd(() => proxy.stop())
  await proxy.start()
  return {
    place: half => ({
      args: [
        '--p2p-host',
        HOST[half],
        '--set',
        `p2p.socks5=127.0.0.1:${proxy.port(half)}`,
        '--set',
        'p2p.only_proxy=true'
      ]
    }),
    cut: async () => proxy.cut(),
    heal: async () => proxy.heal()
  }
}

/** All of 127/8 is this computer: the address says of which half a node is. */
const HOST: Readonly<Record<Half, string>> = { left: '127.0.1.1', right: '127.0.2.1' }

class CuttingProxy {
  readonly #options: ProxyOptions
  readonly #servers: Readonly<Record<Half, Server>>
  readonly #sockets = new Set<Socket>()
  /** Between the halves, the oldest first. */
  readonly #lines = new Set<Line>()
  #resetting: NodeJS.Timeout | undefined
  #isCut = false

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#servers = { left: this.#server('left'), right: this.#server('right') }
  }

  async start(): Promise<void> {
    for (const server of Object.values(this.#servers)) {
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    }
    this.#resetting = setInterval(() => {
      for (const oldest of this.#lines) {
        if (performance.now() - oldest.sinceMs >= YOUNG_MS) reset(oldest)
        break
      }
    }, this.#options.resetEveryMs)
  }

  port(half: Half): number {
    const address = this.#servers[half].address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  cut(): void {
    this.#isCut = true
    for (const line of this.#lines) reset(line)
  }

  heal(): void {
    this.#isCut = false
  }

  async stop(): Promise<void> {
    clearInterval(this.#resetting)
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(Object.values(this.#servers).map(server => new Promise(resolve => server.close(resolve))))
  }

  #server(half: Half): Server {
    return createServer(socket => {
      this.#keep(socket)
      this.#serve(socket, half).catch(() => socket.destroy())
    })
  }

  /** Method by name and password, the name and the password, and what to connect to: IPv4 alone, as that is what there is here. */
  async #serve(near: Socket, half: Half): Promise<void> {
    const read = reader(near)
    await read((await read(2)).readUInt8(1))
    near.write(Buffer.of(5, 2))
    await read((await read(2)).readUInt8(1))
    await read((await read(1)).readUInt8())
    near.write(Buffer.of(1, 0))
    const [, , , kind] = await read(4)
    if (kind !== 1) throw new Error('an address of another kind')
    const host = (await read(4)).join('.')
    const port = (await read(2)).readUInt16BE()
    const isBetween = host !== HOST[half]
    if (isBetween && this.#isCut) {
      near.end(UNREACHABLE)
      return
    }
    const far = dial({ host, port, noDelay: true })
    this.#keep(far)
    await once(far, 'connect')
    const line = { near, far, sinceMs: performance.now() }
    if (isBetween) {
      this.#lines.add(line)
      for (const socket of [near, far]) socket.on('close', () => this.#lines.delete(line))
    }
    const latencyMs = isBetween ? this.#options.latencyMs : 0
    near.write(DONE)
    carry(far, near, latencyMs)
    carry(near, far, latencyMs)
  }

  #keep(socket: Socket): void {
    socket.setNoDelay(true)
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** Reads exactly as many bytes, one after the other. */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  return async length => {
    if (length === 0) return Buffer.alloc(0)
    for (;;) {
      const bytes: Buffer | null = socket.read(length)
      if (bytes !== null) return bytes
      if (socket.destroyed || socket.readableEnded) throw new Error('hung up')
      const over = new AbortController()
      await Promise.race(['readable', 'end', 'close'].map(event => once(socket, event, over)))
      over.abort()
    }
  }
}

/** Chunks keep their order: timers of one length end in the order they began. */
function carry(from: Socket, to: Socket, latencyMs: number): void {
  const later = (act: () => void): void => {
    if (latencyMs === 0) act()
    else setTimeout(act, latencyMs)
  }
  from.on('data', chunk => {
    later(() => {
      if (to.destroyed || to.write(chunk)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
  })
  from.on('end', () => later(() => to.end()))
  from.on('close', () => later(() => to.destroy()))
}

function reset({ near, far }: Line): void {
  near.resetAndDestroy()
  far.resetAndDestroy()
}
