import type { Socket } from 'node:net'
import {
  type AbortOptions,
  type ComponentLogger,
  type Connection,
  type DialTransportOptions,
  type Listener,
  type Transport,
  transportSymbol
} from '@libp2p/interface'
import { AbstractMultiaddrConnection, type AbstractMultiaddrConnectionInit, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isPrivate, parseAddress } from '@p2poolv2/gossip'
import { addressOf } from './addresses.ts'
import { connectThrough, type SocksProxy } from './socks-handshake.ts'

export interface SocksOptions {
  readonly proxy: SocksProxy
  /** Everything goes through the proxy, what is in the own house as well; else that is dialled as it is. */
  readonly isOnly: boolean
  /** Makes the names that keep connections apart ours: nobody else's at this proxy has it. */
  readonly secret: string
}

/** As TCP's: a socket without traffic is closed, and yamux makes some twice a minute. */
const INACTIVITY_MS = 120_000

/** Dials through a SOCKS5 proxy; never listens. */
export function socks(options: SocksOptions): (components: { readonly logger: ComponentLogger }) => Transport {
  return ({ logger }) => new SocksTransport(options, logger)
}

class SocksTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = 'p2poolv2/socks'
  readonly #options: SocksOptions
  readonly #logger: ComponentLogger

  constructor(options: SocksOptions, logger: ComponentLogger) {
    this.#options = options
    this.#logger = logger
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { proxy, secret } = this.#options
    const text = addressOf(address)
    const target = parseAddress(text)
    if (target === null) throw new Error(`${text} cannot be dialled through a proxy`)
    const socket = await connectThrough(proxy, target, { isolation: `${secret} ${text}`, signal: options.signal })
    const connection = new SocketConnection(socket, {
      remoteAddr: address,
      direction: 'outbound',
      log: this.#logger.forComponent('p2poolv2:socks')
    })
    try {
      return await options.upgrader.upgradeOutbound(connection, options)
    } catch (error) {
      connection.abort(error instanceof Error ? error : new Error('the connection failed'))
      throw error
    }
  }

  createListener(): Listener {
    throw new Error('a proxy does not listen for us')
  }

  listenFilter(): Multiaddr[] {
    return []
  }

  readonly dialFilter = (addresses: Multiaddr[]): Multiaddr[] =>
    addresses.filter(address => {
      const net = parseAddress(addressOf(address))
      return net !== null && (this.#options.isOnly || !isPrivate(net))
    })
}

/** A connected socket as libp2p wants it. */
class SocketConnection extends AbstractMultiaddrConnection {
  readonly #socket: Socket

  constructor(socket: Socket, init: AbstractMultiaddrConnectionInit) {
    super(init)
    this.#socket = socket
    socket.on('data', chunk => this.onData(chunk))
    socket.on('error', error => this.abort(error))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.setTimeout(INACTIVITY_MS, () => this.abort(new Error('no traffic')))
    socket.once('end', () => this.onTransportClosed())
    socket.once('close', () => this.onTransportClosed())
    socket.resume()
  }

  sendData(data: Parameters<AbstractMultiaddrConnection['sendData']>[0]): SendResult {
    let sentBytes = 0
    for (const chunk of data) {
      sentBytes += chunk.byteLength
      if (!this.#socket.write(chunk)) return { sentBytes, canSendMore: false }
    }
    return { sentBytes, canSendMore: true }
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    if (this.#socket.destroyed) return
    const closed = Promise.withResolvers<void>()
    this.#socket.once('close', () => closed.resolve())
    const giveUp = (): void => void this.#socket.destroy()
    options?.signal?.addEventListener('abort', giveUp, { once: true })
    this.#socket.destroySoon()
    await closed.promise
    options?.signal?.removeEventListener('abort', giveUp)
  }

  sendReset(): void {
    if (this.#socket.writableEnded) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  sendPause(): void {
    this.#socket.pause()
  }

  sendResume(): void {
    this.#socket.resume()
  }
}
