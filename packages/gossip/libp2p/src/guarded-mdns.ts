import type { Socket } from 'node:dgram'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { PeerDiscovery, Startable } from '@libp2p/interface'
import { RateLimit, steadyMs } from '@p2poolv2/primitives'

/** Longer packets are none (RFC 6762 §17). */
export const MAX_PACKET_BYTES = 9_000
/** Questions and records of a packet. Ours has one for each address that we listen on; each has up to two names, which may share 127 labels. */
export const MAX_RECORDS = 128
const HEADER_BYTES = 12
const COUNTS_AT = [4, 6, 8, 10]
/** Reading may take a fiftieth of the time, and a tenth of a second at once. What comes beyond is not read: who is there says so every ten seconds. */
export const UNITS_PER_MS = 50
export const PACE = { unitMs: 1, burst: 5_000 }
/** Once half of that is used up, one address has an eighth of it: whoever fills the air leaves the rest to others. */
export const SENDER_PACE = { unitMs: 8 * PACE.unitMs, burst: PACE.burst / 8 }
/** Addresses counted; at the cap the one that was first begins anew. A house has some dozens. */
export const MAX_SENDERS = 256

export type ReadPacket = (packet: Uint8Array, from: unknown) => void

/**
 * Reads of mDNS packets what is worth reading, for as long as there is time for it.
 * @param nowMs a stopwatch: milliseconds and their fractions
 */
export function guardedReading(read: ReadPacket, nowMs: () => number): ReadPacket {
  const pace = new RateLimit(PACE)
  const senders = new Map<string, RateLimit>()
  return (packet, from) => {
    if (!isWorthReading(packet)) return
    const fromMs = nowMs()
    const atMs = steadyMs(Math.floor(fromMs))
    const isFree = (limit: RateLimit, units: number): boolean => limit.allowedAtMs(units, atMs) <= fromMs
    const sender = paceOf(senders, from)
    if (!isFree(pace, PACE.burst / 2) && !(isFree(pace, 1) && isFree(sender, 1))) return
    read(packet, from)
    const untilMs = nowMs()
    const units = Math.max(1, Math.round((untilMs - fromMs) * UNITS_PER_MS))
    for (const limit of [pace, sender]) limit.spend(units, steadyMs(Math.floor(untilMs)))
  }
}

function paceOf(senders: Map<string, RateLimit>, from: unknown): RateLimit {
  const { address = '' } = (from ?? {}) as { readonly address?: string }
  const known = senders.get(address)
  if (known !== undefined) return known
  const [oldest] = senders.keys()
  if (senders.size >= MAX_SENDERS && oldest !== undefined) senders.delete(oldest)
  const pace = new RateLimit(SENDER_PACE)
  senders.set(address, pace)
  return pace
}

function isWorthReading(packet: Uint8Array): boolean {
  if (packet.length < HEADER_BYTES || packet.length > MAX_PACKET_BYTES) return false
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  return COUNTS_AT.reduce((sum, at) => sum + view.getUint16(at), 0) <= MAX_RECORDS
}

/**
 * Puts the guard between libp2p's mDNS and its socket, which the library makes at its start and gives to nobody.
 * @throws when the service is started and has no such socket: an update of the library needs another guard
 */
export function guardedMdns(discovery: PeerDiscovery): PeerDiscovery & Startable {
  // libp2p starts what has these, and its types do not say that this has.
  const service = discovery as PeerDiscovery & Startable
  const start = service.start.bind(service)
  service.start = async () => {
    const sockets: Socket[] = []
    const note = (message: unknown): void => void sockets.push((message as { readonly socket: Socket }).socket)
    subscribe('udp.socket', note)
    let started: void | Promise<void>
    try {
      // The socket is made in the call, before anything is waited for.
      started = start()
    } finally {
      unsubscribe('udp.socket', note)
    }
    for (const socket of sockets) guardSocket(socket)
    await started
    if (sockets.length !== 1) throw new Error(`mDNS was started with ${sockets.length} sockets, and has one`)
  }
  return service
}

function guardSocket(socket: Socket): void {
  const readers = socket.listeners('message') as ReadPacket[]
  socket.removeAllListeners('message')
  for (const read of readers)
    socket.on(
      'message',
      guardedReading(read, () => performance.now())
    )
}
