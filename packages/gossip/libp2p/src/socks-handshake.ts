import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type NetAddress, printHost } from '@p2poolv2/gossip'
import { concatBytes } from '@p2poolv2/primitives'

/** Where a SOCKS5 proxy listens, Tor's or another. */
export interface SocksProxy {
  readonly host: string
  readonly port: number
}

/** The proxy is there and did not connect us. `code` is the system's word for what it said, as `net` would say it. */
export class ProxyError extends Error {
  readonly code: string

  constructor(code: string, why: string) {
    super(why)
    this.name = 'ProxyError'
    this.code = code
  }
}

const VERSION = 5
const BY_NAME_AND_PASSWORD = 2
const CONNECT = 1
const ADDRESS_TYPE = { ip4: 1, name: 3, ip6: 4 } as const
/** RFC 1928 §6; Tor answers 1 to 6. */
const REPLIES: Readonly<Record<number, string>> = {
  2: 'EACCES',
  3: 'ENETUNREACH',
  4: 'EHOSTUNREACH',
  5: 'ECONNREFUSED',
  6: 'ETIMEDOUT'
}

/**
 * Connects through a SOCKS5 proxy (RFC 1928, RFC 1929). Nothing is looked up: the proxy gets numbers, or the name of an onion service.
 * @param isolation sent as name and password: Tor puts streams of different ones on different circuits (its IsolateSOCKSAuth), so that
 * nobody on the way sees that two connections are of one node; at most 255 bytes
 * @throws ProxyError; what the socket throws
 */
export async function connectThrough(
  proxy: SocksProxy,
  target: NetAddress,
  { isolation, signal }: { readonly isolation: string; readonly signal: AbortSignal }
): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true, keepAlive: true })
  const giveUp = (): void => {
    socket.destroy(new ProxyError('ETIMEDOUT', 'given up while connecting through the proxy'))
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await once(socket, 'connect')
    socket.write(Uint8Array.of(VERSION, 1, BY_NAME_AND_PASSWORD))
    const [, method] = await take(socket, 2)
    if (method !== BY_NAME_AND_PASSWORD) {
      throw new ProxyError('EPROXY', 'the proxy takes no name and password, so connections could not be kept apart')
    }
    const credential = new TextEncoder().encode(isolation)
    const said = Uint8Array.of(credential.length, ...credential)
    socket.write(concatBytes(Uint8Array.of(1), said, said))
    const [, status] = await take(socket, 2)
    if (status !== 0) throw new ProxyError('EPROXY', 'the proxy refused our name')
    socket.write(connectRequest(target))
    const [, reply = 1, , type] = await take(socket, 4)
    if (reply !== 0) throw new ProxyError(REPLIES[reply] ?? 'EPROXY', `the proxy did not connect us: reply ${reply}`)
    await take(socket, (await addressBytes(socket, type)) + 2)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function connectRequest(target: NetAddress): Uint8Array {
  const head = Uint8Array.of(VERSION, CONNECT, 0)
  const port = Uint8Array.of(target.port >>> 8, target.port & 0xff)
  if (target.kind !== 'onion3') return concatBytes(head, Uint8Array.of(ADDRESS_TYPE[target.kind]), target.host, port)
  const name = new TextEncoder().encode(`${printHost(target)}.onion`)
  return concatBytes(head, Uint8Array.of(ADDRESS_TYPE.name, name.length), name, port)
}

/** Length of the address that the reply ends with; nobody needs it. */
async function addressBytes(socket: Socket, type: number | undefined): Promise<number> {
  if (type === ADDRESS_TYPE.ip4) return 4
  if (type === ADDRESS_TYPE.ip6) return 16
  if (type !== ADDRESS_TYPE.name) throw new ProxyError('EPROXY', 'the proxy answered with an unknown kind of address')
  const [length = 0] = await take(socket, 1)
  return length
}

/** Exactly so many bytes; what comes behind them stays in the socket. */
async function take(socket: Socket, bytes: number): Promise<Uint8Array> {
  for (;;) {
    const chunk: Uint8Array | null = socket.read(bytes)
    if (chunk !== null && chunk.length === bytes) return chunk
    if (chunk !== null || socket.readableEnded || socket.destroyed) {
      throw new ProxyError('ECONNRESET', 'the proxy hung up')
    }
    const over = new AbortController()
    try {
      // Rejects with the socket's error.
      await Promise.race(['readable', 'end'].map(event => once(socket, event, over)))
    } finally {
      over.abort()
    }
  }
}
