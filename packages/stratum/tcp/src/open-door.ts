import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { invariant } from '@p2poolv2/primitives'
import { Certificate } from './certificate.ts'
import type { Door } from './contract.ts'
import { StratumListenError } from './listen-error.ts'
import { type ProxiedFrom, readProxyHeader } from './proxy-header.ts'

/** Connections the system may hold ready for us: after a restart all miners come at once. */
const BACKLOG = 1024
/**
 * Those of who begins with a handshake. Whoever the system holds is accepted in one turn, which nobody else has meanwhile; the rest try
 * again in a second by themselves, and so many handshakes take no less.
 */
const SEALED_BACKLOG = 32
const KEEPALIVE_AFTER_MS = 45_000
/** A front in the middle says at once whom it speaks for. */
const HEADER_WITHIN_MS = 5_000
/** Microcontrollers have room for one record, and decrypt none before it is whole. */
const MAX_TLS_RECORD_BYTES = 4_096
const EVERY_ADDRESS = '::'
const EVERY_IPV4_ADDRESS = '0.0.0.0'
const NO_IPV6: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])

/** Somebody came in by a door. */
export interface Visitor {
  /** Text goes in and out of it, whatever the door encrypts. */
  readonly socket: Socket
  /** Who he is: what a trusted front says, else where the connection comes from. */
  readonly from: ProxiedFrom
  readonly isThroughFront: boolean
}

export interface OpenDoorDeps {
  /** Whether who connects from there is believed to say for whom. */
  readonly isFront: (address: string) => boolean
  /** Before anything is read. */
  readonly onConnection: (socket: Socket, address: string) => 'take' | 'refuse'
  readonly onVisitor: (visitor: Visitor) => void
  /** A front said something that cannot be read. */
  readonly onWrongHeader: (address: string) => void
  readonly onError: (err: Error) => void
}

/** One listening port: its socket, its certificate, and the fronts in the middle that speak for others. */
export class OpenDoor {
  readonly door: Door
  readonly #deps: OpenDoorDeps
  readonly #server: Server
  /** Connections whose front has not yet said for whom it speaks; each is cut after `HEADER_WITHIN_MS`. */
  readonly #waiting = new Set<Socket>()
  #certificate: Certificate | null = null

  constructor(door: Door, deps: OpenDoorDeps) {
    this.door = door
    this.#deps = deps
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_AFTER_MS }, socket =>
      this.#accept(socket)
    )
  }

  get port(): number {
    if (this.door.isOptional === true && !this.#server.listening) return 0
    const address = this.#server.address()
    invariant(address !== null && typeof address === 'object', 'a listening server has an address')
    return address.port
  }

  /** Connections that are not visitors yet. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** @throws StratumListenError */
  async listen(): Promise<void> {
    const { tls, host } = this.door
    if (tls !== undefined) {
      try {
        this.#certificate = new Certificate(tls)
      } catch (cause) {
        throw new StratumListenError(this.door, cause as Error, 'certificate')
      }
    }
    try {
      await this.#listenOn(hostOf(host))
    } catch (cause) {
      // A system without IPv6 has no "::", and all its addresses are these.
      const isWithoutIpv6 = hostOf(host) === EVERY_ADDRESS && NO_IPV6.has((cause as NodeJS.ErrnoException).code)
      if (!isWithoutIpv6) throw new StratumListenError(this.door, cause as Error)
      await this.#listenOn(EVERY_IPV4_ADDRESS)
    }
    this.#server.on('error', this.#deps.onError)
  }

  /**
   * Looks whether the certificate was renewed.
   * @throws when it was, and cannot be used; the old one stays
   */
  async refreshCertificate(): Promise<boolean> {
    return (await this.#certificate?.refresh()) ?? false
  }

  close(): void {
    if (this.#server.listening) this.#server.close()
    for (const socket of this.#waiting) socket.destroy()
  }

  #listenOn(host: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      const backlog = this.door.handshakes === undefined ? BACKLOG : SEALED_BACKLOG
      this.#server.listen({ host, port: this.door.port, backlog }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  #accept(socket: Socket): void {
    socket.on('error', ignoreError)
    const address = plainAddress(socket.remoteAddress)
    if (address === null || this.#deps.onConnection(socket, address) === 'refuse') {
      socket.destroy()
      return
    }
    const from = { address, port: socket.remotePort ?? 0 }
    if (this.#deps.isFront(address)) this.#readHeader(socket, from)
    else this.#welcome(socket, { from, isThroughFront: false })
  }

  #readHeader(socket: Socket, front: ProxiedFrom): void {
    let received: Uint8Array = new Uint8Array()
    const patience = setTimeout(() => socket.destroy(), HEADER_WITHIN_MS)
    this.#waiting.add(socket)
    const done = (): void => {
      clearTimeout(patience)
      this.#waiting.delete(socket)
      socket.off('readable', read)
      socket.off('close', done)
    }
    const read = (): void => {
      const chunk = socket.read() as Uint8Array | null
      if (chunk === null) return
      received = Buffer.concat([received, chunk])
      const header = readProxyHeader(received)
      if (header.state === 'more') return
      done()
      if (header.state === 'invalid') {
        this.#deps.onWrongHeader(front.address)
        socket.destroy()
        return
      }
      const rest = header.state === 'read' ? received.subarray(header.bytes) : received
      if (rest.length > 0) socket.unshift(rest)
      const from = (header.state === 'read' ? header.from : null) ?? front
      this.#welcome(socket, { from, isThroughFront: true })
    }
    socket.on('close', done)
    socket.on('readable', read)
  }

  #welcome(socket: Socket, { from, isThroughFront }: Omit<Visitor, 'socket'>): void {
    const plain = { ...from, address: plainAddress(from.address) ?? from.address }
    if (this.#certificate === null) {
      this.#deps.onVisitor({ socket, from: plain, isThroughFront })
      return
    }
    const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#certificate.context })
    secure.setMaxSendFragment(MAX_TLS_RECORD_BYTES)
    secure.on('error', ignoreError)
    this.#deps.onVisitor({ socket: secure, from: plain, isThroughFront })
  }
}

function ignoreError(): void {
  // How a connection breaks does not matter; 'close' follows.
}

/** `[::1]` is how an address is written before a port, and so in settings. */
function hostOf(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

/** IPv4 written as such also when it came over an IPv6 socket; null if the other side is gone already. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.')
    ? address.slice('::ffff:'.length)
    : address
}
