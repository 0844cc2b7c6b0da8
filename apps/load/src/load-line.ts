import { connect, type Socket } from 'node:net'

/** Read into by every socket of this process, one after the other; nothing of it is kept. */
const received = Buffer.alloc(256 * 1024)

export interface LoadLineOptions {
  readonly host: string
  readonly port: number
  /** Where to connect from; undefined: wherever the system likes. */
  readonly localAddress: string | undefined
  /** A server that has given no work by then never does. */
  readonly readyWithinMs: number
}

export interface LoadLinePorts {
  /** When bytes came, as exactly as it can be had. */
  readonly stamp: () => number
  readonly onConnected: () => void
  /** @param bytes overwritten by what comes next */
  readonly onBytes: (bytes: Buffer, atMs: number) => void
  /** It has ended, whenever that was. */
  readonly onLost: (why: string) => void
}

/** The TCP connection of one miner of the load. */
export class LoadLine {
  readonly #socket: Socket
  readonly #patience: NodeJS.Timeout
  #lostBecause = 'hung up by the server'

  constructor(options: LoadLineOptions, { stamp, onConnected, onBytes, onLost }: LoadLinePorts) {
    const { host, port, localAddress, readyWithinMs } = options
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
      onread: {
        buffer: received,
        callback: bytes => {
          onBytes(received.subarray(0, bytes), stamp())
          return true
        }
      }
    })
    this.#patience = setTimeout(() => this.giveUp('no work in time'), readyWithinMs)
    this.#socket.once('connect', onConnected)
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lostBecause = error.code ?? error.message
    })
    this.#socket.once('close', () => {
      clearTimeout(this.#patience)
      onLost(this.#lostBecause)
    })
  }

  get traffic(): { readonly writtenBytes: number; readonly readBytes: number } {
    return { writtenBytes: this.#socket.bytesWritten, readBytes: this.#socket.bytesRead }
  }

  /** @param data text is ASCII */
  write(data: string | Uint8Array): void {
    this.#socket.write(data, 'latin1')
  }

  /** There is work: it is waited for no longer. */
  gotWork(): void {
    clearTimeout(this.#patience)
  }

  giveUp(why: string): void {
    this.#lostBecause = why
    this.#socket.destroy()
  }
}
