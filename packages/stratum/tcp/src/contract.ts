import type { LineFault } from '@p2poolv2/stratum'
import type { TransportFault } from '@p2poolv2/stratum/sv2'
import type { CertificateFiles } from './certificate.ts'
import type { LineLimits } from './line-budget.ts'
import type { Handshakes } from './v2/handshakes.ts'

/** Why a connection ended. */
export type GoneReason =
  /** The miner hung up. */
  | 'left'
  | 'socket-error'
  /** `StratumServer.close` was called. */
  | 'closed'
  /** It read too slowly to be served. */
  | 'too-slow'
  /** It had no miner on it when another one came and there was no room. */
  | 'made-room'
  | 'stopped'
  /** Stratum V2: it did not say the first act, or there was no answer to be had in time. */
  | 'no-handshake'
  | LineFault
  | TransportFault

/** One port that miners come in by. */
export interface Door {
  /** `::` is every address of this computer, of both families where it has them. An IPv6 address may stand in brackets. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Miners that come in here speak TLS. */
  readonly tls?: CertificateFiles
  /** Miners that come in here start no lower than this, as rented ones do. */
  readonly startDifficulty?: number
  /** Miners that come in here speak Stratum V2. */
  readonly handshakes?: Handshakes
  /** A port that cannot be had is done without, and said. Default: the server does not start. */
  readonly isOptional?: boolean
}

/** Bounds of a listener, all with defaults in `DEFAULT_LIMITS`. */
export interface StratumLimits extends LineLimits {
  /**
   * Open connections. A further one takes the place of the oldest that never sent a line, has no channel or was told to end, or is
   * closed at once, with a notice. Keep it below the file descriptor limit.
   */
  readonly maxConnections: number
  /**
   * Of them those of one address, unless many share it: loopback, private ones, and `trustedRanges`. A further one is closed at
   * once, with a notice.
   */
  readonly maxPerAddress: number
  /** New connections from one address in a minute, and channels of Stratum V2; further ones are closed at once. A farm may share one address. */
  readonly connectsPerMinute: number
  /** The same where connections begin with a handshake, which costs more than a line. */
  readonly handshakesPerMinute: number
  /** Connections of one address ended for misbehaviour in a minute, after which it is banned for `banMs`. */
  readonly misbehavioursPerMinute: number
  readonly banMs: number
  /** Bytes written but not taken by the network, beyond which a connection is given up. */
  readonly maxUnsentBytes: number
  /** Or unsent bytes of any number for so long. */
  readonly maxUnsentMs: number
}

export const DEFAULT_LIMITS: StratumLimits = {
  maxConnections: 10_000,
  maxPerAddress: 2_000,
  connectsPerMinute: 3_000,
  handshakesPerMinute: 600,
  misbehavioursPerMinute: 10,
  banMs: 60_000,
  // A session asks for two submits a second at most, so this is what a hundred miners send over one connection; a burst is
  // what a petahash sends while its difficulty is being found, or a proxy that kept its submits during an outage.
  linesPerSec: 200,
  burstLines: 4_000,
  maxUnsentBytes: 256 * 1024,
  maxUnsentMs: 60_000
}
