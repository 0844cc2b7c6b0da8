import type { Socket } from 'node:net'
import type { Connection } from '@libp2p/interface'

/** What its socket has carried. libp2p's types leave out the connection below the encryption, and of that the socket. */
export function bytesOf(connection: Connection | null): { readonly bytesIn: number; readonly bytesOut: number } {
  const socket = (connection as { readonly maConn?: { readonly socket?: Partial<Socket> } } | null)?.maConn?.socket
  return { bytesIn: socket?.bytesRead ?? 0, bytesOut: socket?.bytesWritten ?? 0 }
}
