import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A device that says that it is a router, and how it is reached from here. */
export interface RouterDevice {
  /** Of its description. The host is the address that the answer came from, and nobody else's. */
  readonly location: URL
  /** Our address on the network that it answered on. */
  readonly ownAddress: string
}

export interface SearchOptions {
  /** IPv4 addresses of this computer; there is one question for each. */
  readonly ownAddresses: readonly string[]
  readonly signal: AbortSignal
  /** Where is asked: all devices of a network, or one, for tests. */
  readonly at?: { readonly address: string; readonly port: number }
  readonly waitMs?: number
}

/** UPnP's group and port on every network. */
const EVERYBODY = { address: '239.255.255.250', port: 1900 } as const
const WAIT_MS = 3_000
/** Networks asked and devices heard at most: a household has one router, and anybody on the network may say that he is one. */
const MAX_NETWORKS = 8
export const MAX_DEVICES = 4
/** An answer is some three hundred bytes; a longer one is not read. */
const MAX_ANSWER_BYTES = 2_048
const KINDS = [1, 2].map(version => `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`)

/** Asks the networks of this computer for routers (UPnP Device Architecture 1.1, discovery). Hears answers to its question only. */
export async function searchRouters(options: SearchOptions): Promise<RouterDevice[]> {
  const { ownAddresses, signal, at = EVERYBODY, waitMs = WAIT_MS } = options
  const found = new Map<string, RouterDevice>()
  const hear = (ownAddress: string) => (message: Buffer, from: RemoteInfo) => {
    const location = locationIn(message, from.address)
    if (location !== null && found.size < MAX_DEVICES) found.set(location.href, { location, ownAddress })
  }
  const sockets = ownAddresses.slice(0, MAX_NETWORKS).map(ownAddress => {
    // On a port of its own: what is sent to everybody, by whomever, does not come here.
    const socket = createSocket('udp4', hear(ownAddress))
    // A network that takes no multicast has no router to ask.
    socket.on('error', () => undefined)
    socket.bind(0, ownAddress, () => {
      askThrough(socket, ownAddress)
      for (const kind of KINDS) socket.send(question(kind, at), at.port, at.address, () => undefined)
    })
    return socket
  })
  await pause(waitMs, undefined, { signal }).catch(() => undefined)
  for (const socket of sockets) socket.close()
  return [...found.values()]
}

/** The question leaves by the network of the address; where the system does not want that, by which it likes. */
function askThrough(socket: Socket, ownAddress: string): void {
  try {
    socket.setMulticastInterface(ownAddress)
  } catch {
    // An address that is going away: nobody will answer.
  }
}

function question(kind: string, { address, port }: { readonly address: string; readonly port: number }): string {
  const lines = [`HOST: ${address}:${port}`, 'MAN: "ssdp:discover"', 'MX: 2', `ST: ${kind}`]
  return ['M-SEARCH * HTTP/1.1', ...lines, '', ''].join('\r\n')
}

/** Where the sender describes itself; null for what is no answer, or would have us ask somebody else. */
function locationIn(message: Buffer, sender: string): URL | null {
  const text = message.subarray(0, MAX_ANSWER_BYTES).toString('latin1')
  if (!/^HTTP\/1\.[01] 200\b/.test(text)) return null
  const [, given = ''] = /^location:[ \t]*(\S{1,512})[ \t]*\r?$/im.exec(text) ?? []
  const location = URL.canParse(given) ? new URL(given) : null
  const isItsOwn = location?.protocol === 'http:' && location.hostname === sender && isIPv4(sender)
  return isItsOwn && location.username === '' ? location : null
}
