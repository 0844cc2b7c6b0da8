import { createConnection, type Socket } from 'node:net'

const RECONNECT_MS = 1_000

export interface KeptLinePorts {
  /** A connection is being made: to listen to it. */
  readonly onBegun: (socket: Socket) => void
  /** It has ended, and another is made in a second. */
  readonly onLost: (message: string) => void
}

/** A TCP connection to one server that is made again whenever it ends. */
export class KeptLine {
  readonly #at: { readonly host: string; readonly port: number }
  readonly #ports: KeptLinePorts
  #socket: Socket | null = null
  #retry: NodeJS.Timeout | null = null
  #stopped = false

  constructor(at: { readonly host: string; readonly port: number }, ports: KeptLinePorts) {
    this.#at = at
    this.#ports = ports
  }

  start(): void {
    this.#stopped = false
    this.#connect()
  }

  stop(): void {
    this.#stopped = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#socket?.destroy()
    this.#socket = null
  }

  write(data: string | Uint8Array): void {
    this.#socket?.write(data)
  }

  /** Ends the connection, whose server is not to be understood. */
  giveUp(error: Error): void {
    this.#socket?.destroy(error)
  }

  #connect(): void {
    const { host, port } = this.#at
    const socket = createConnection({ host, port, noDelay: true })
    this.#socket = socket
    let failure = `${host}:${port} closed the connection`
    this.#ports.onBegun(socket)
    socket.on('error', error => {
      failure = `${host}:${port}: ${error.message}`
    })
    socket.on('close', () => {
      if (this.#stopped) return
      this.#ports.onLost(failure)
      this.#retry = setTimeout(() => this.#connect(), RECONNECT_MS)
    })
  }
}
