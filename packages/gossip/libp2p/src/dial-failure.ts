import type { DialFailure } from '@p2poolv2/gossip'
import { nameOf } from './frame-stream.ts'

const BY_SYSTEM_CODE: Readonly<Record<string, DialFailure>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EAFNOSUPPORT: 'unreachable'
}

const BY_NAME: Readonly<Record<string, DialFailure>> = {
  // Noise failed: another chain has another prologue (protocol §18.1).
  EncryptionFailedError: 'network',
  // It was this node itself.
  InvalidPeerIdError: 'self',
  TimeoutError: 'timeout',
  AbortError: 'timeout',
  // Said after Noise, so by one of ours that does not want us, or has us already.
  MuxerUnavailableError: 'refused',
  ConnectionClosedError: 'refused',
  StreamResetError: 'refused'
}

/** What an error of libp2p's dial says to the peering machine. */
export function dialFailure(error: unknown): DialFailure {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return BY_SYSTEM_CODE[code] ?? BY_NAME[nameOf(error)] ?? 'failed'
}
