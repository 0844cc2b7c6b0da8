import type { LineFault } from '@p2poolv2/stratum'
import type { LineLimits } from './line-budget.ts'

/** Why a connection ended. */
export type GoneReason =
  /** The miner hung up. */
  | 'left'
  | 'socket-error'
  /** `StratumServer.close` was called. */
  | 'closed'
  /** It read too slowly to be served. */
  | 'too-slow'
  /** It had said nothing when another one came and there was no room. */
  | 'made-room'
  | 'stopped'
  | LineFault

/** Bounds of a listener, all with defaults in `DEFAULT_LIMITS`. */
export interface StratumLimits extends LineLimits {
  /**
   * Open connections. A further one takes the place of the oldest that never sent a line, or is closed at once, with a
   * notice. Keep it below the file descriptor limit.
   */
  readonly maxConnections: number
  /** New connections from one address in a minute; further ones are closed at once. A farm may share one address. */
  readonly connectsPerMinute: number
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
  connectsPerMinute: 3_000,
  misbehavioursPerMinute: 10,
  banMs: 60_000,
  // A session asks for two submits a second at most, so this is what a hundred miners send over one connection; a burst is
  // what a petahash sends while its difficulty is being found, or a proxy that kept its submits during an outage.
  linesPerSec: 200,
  burstLines: 4_000,
  maxUnsentBytes: 256 * 1024,
  maxUnsentMs: 60_000
}
