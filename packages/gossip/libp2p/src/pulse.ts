import type { Connection } from '@libp2p/interface'
import type { Dialect, PeerId } from '@p2poolv2/gossip'
import type { Log } from '@p2poolv2/runtime'
import { TimeOuts } from './time-outs.ts'

/** How often topics are looked at. */
const LOOK_EVERY_MS = 1_000
/** Topics of a connection may be dead for so many looks before its streams are made anew: they take a moment at the start. */
const PATIENCE_LOOKS = 5
/** As often as that is tried; then the connection is closed, and made anew by whoever wants it. */
const MENDS = 3
/** How often every connection is asked for a sign of life, and how long that may take: the reference is silent while it writes. */
const PING_EVERY_MS = 30_000
const PONG_WITHIN_MS = 20_000
/** In a row. A home router that forgets idle flows, or a peer whose computer sleeps, is noticed within two minutes. */
const MISSED_PONGS = 2

interface Health {
  silentLooks: number
  mends: number
  missedPongs: number
  isPinging: boolean
  latencyMs: number | null
}

export interface PulseOptions {
  readonly connections: () => readonly Connection[]
  readonly dialectOf: (peer: PeerId) => Dialect | null
  /** Null without topics. */
  readonly topics: {
    reaches(peer: PeerId): boolean
    cut(connection: Connection): void
    greet(connection: Connection): void
  } | null
  /** A peer may be ready to be told of. */
  readonly changed: (peer: PeerId) => void
  readonly ping: (connection: Connection, signal: AbortSignal) => Promise<number>
  readonly log: Log
}

/**
 * Mends what libp2p leaves broken: a connection that stands while its topics are dead, because a stream of theirs was reset or a
 * packet was too large, and a connection that stands on one end only.
 */
export class Pulse {
  readonly #options: PulseOptions
  readonly #health = new WeakMap<Connection, Health>()
  readonly #timeOuts = new TimeOuts()
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(options: PulseOptions) {
    this.#options = options
    this.#timers = [
      setInterval(() => this.look(), LOOK_EVERY_MS),
      setInterval(() => {
        for (const connection of options.connections()) void this.check(connection)
      }, PING_EVERY_MS)
    ]
  }

  /** Round trip of its last ping; null before the first. */
  latencyMsOf(connection: Connection): number | null {
    return this.#healthOf(connection).latencyMs
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timeOuts.stop()
  }

  /** One look at the topics of every peer of ours. */
  look(): void {
    const { topics, connections, dialectOf, log } = this.#options
    if (topics === null) return
    for (const connection of connections()) {
      const peer = connection.remotePeer.toString()
      const health = this.#healthOf(connection)
      this.#options.changed(peer)
      if (dialectOf(peer) !== 'ours' || topics.reaches(peer)) {
        health.silentLooks = 0
        continue
      }
      health.silentLooks++
      if (health.silentLooks < PATIENCE_LOOKS) continue
      if (health.silentLooks === PATIENCE_LOOKS) {
        log.debug({ peer }, 'topics of a peer are dead: making them anew')
        topics.cut(connection)
      } else {
        // A look later, when the end of the old streams has come through everywhere.
        health.silentLooks = 0
        health.mends++
        if (health.mends > MENDS) connection.abort(new Error('its topics stay dead'))
        else topics.greet(connection)
      }
    }
  }

  /** Asks for a sign of life; the connection is closed when too many in a row are missing. Never rejects. */
  async check(connection: Connection, options: { readonly isLast?: boolean } = {}): Promise<void> {
    const health = this.#healthOf(connection)
    if (health.isPinging || this.#timeOuts.isStopped) return
    health.isPinging = true
    const timeOut = this.#timeOuts.after(PONG_WITHIN_MS)
    try {
      health.latencyMs = await this.#options.ping(connection, timeOut.signal)
      health.missedPongs = 0
    } catch {
      // One that does not speak ping has answered too; only silence counts.
      if (!timeOut.isOver) return
      health.missedPongs++
      if (health.missedPongs >= MISSED_PONGS || options.isLast === true) {
        connection.abort(new Error('no sign of life'))
      }
    } finally {
      health.isPinging = false
      timeOut.end()
    }
  }

  #healthOf(connection: Connection): Health {
    const known = this.#health.get(connection)
    if (known !== undefined) return known
    const health: Health = { silentLooks: 0, mends: 0, missedPongs: 0, isPinging: false, latencyMs: null }
    this.#health.set(connection, health)
    return health
  }
}
