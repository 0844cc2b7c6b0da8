import { createSocket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'

/** A router that may speak NAT-PMP. */
export interface Gateway {
  readonly address: string
  readonly port: number
}

export interface GatewayOrder {
  /** Ours; a router of ports forwards to whoever asked. */
  readonly internalPort: number
  /** Wanted outside; the router may give another one. */
  readonly externalPort: number
  /** 0 takes the port back. */
  readonly leaseSec: number
}

/** RFC 6886 §3.1 has nine questions in 64 s; a router in the house answers the first. */
const WAITS_MS = [250, 500, 1_000, 2_000]
const VERSION = 0
const MAP_TCP = 2
const ANSWER = 128
const REQUEST_BYTES = 12
const ANSWER_BYTES = 16

/**
 * Asks a gateway to forward a TCP port (RFC 6886 §3.3). Never rejects.
 * @returns the port outside; null if it refused or did not answer. Only the gateway's own address and port are heard.
 */
export async function askGateway(gateway: Gateway, order: GatewayOrder, signal: AbortSignal): Promise<number | null> {
  const ended = new AbortController()
  const ending = AbortSignal.any([signal, ended.signal])
  let granted: number | null = null
  const socket = createSocket('udp4')
  socket.on('error', () => ended.abort())
  socket.on('message', message => {
    const port = grantedPort(message, order)
    if (port === undefined) return
    granted = port
    ended.abort()
  })
  // Connected, so that the system passes on what comes from there and nothing else.
  socket.connect(gateway.port, gateway.address, () => void ask())
  const ask = async (): Promise<void> => {
    for (const waitMs of WAITS_MS) {
      if (ending.aborted) return
      socket.send(request(order), () => undefined)
      await pause(waitMs, undefined, { signal: ending }).catch(() => undefined)
    }
    ended.abort()
  }
  if (!ending.aborted) await new Promise(resolve => ending.addEventListener('abort', resolve, { once: true }))
  socket.close()
  return granted
}

function request({ internalPort, externalPort, leaseSec }: GatewayOrder): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeUInt8(MAP_TCP, 1)
  bytes.writeUInt16BE(internalPort, 4)
  bytes.writeUInt16BE(externalPort, 6)
  bytes.writeUInt32BE(leaseSec, 8)
  return bytes
}

/** @returns null for a refusal, undefined for what is no answer to the order */
function grantedPort(message: Buffer, order: GatewayOrder): number | null | undefined {
  // A refusal of the version or the operation is shorter than a grant (RFC 6886 §3.5).
  if (message.length < 4 || message[1] !== ANSWER + MAP_TCP) return undefined
  if (message[0] !== VERSION || message.readUInt16BE(2) !== 0) return null
  if (message.length < ANSWER_BYTES || message.readUInt16BE(8) !== order.internalPort) return undefined
  const port = message.readUInt16BE(10)
  return port === 0 ? null : port
}
