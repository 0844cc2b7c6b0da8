import { createServer, type Server, type Socket } from 'node:net'
import { invariant, type SteadyMs } from '@p2poolv2/primitives'
import { type Clock, type Log, systemClock } from '@p2poolv2/runtime'
import { isMisbehaviour, type SessionOutput } from '@p2poolv2/stratum'
import { AddressGuard } from './address-guard.ts'
import { DEFAULT_LIMITS, type GoneReason, type StratumLimits } from './contract.ts'
import { MinerSocket } from './miner-socket.ts'
import { isSharedAddress } from './shared-address.ts'

/** Connections the system may hold ready for us: after a restart all miners come at once. */
const BACKLOG = 1024
const KEEPALIVE_AFTER_MS = 45_000
const SWEEP_EVERY_MS = 5_000
/** Time for what was sent to arrive when the server stops. */
const STOP_WITHIN_MS = 1_000
const NOTICE_EVERY_MS = 60_000
/** An address with a connection older than this has a working miner behind it and is not banned for its neighbours. */
const PROVEN_AFTER_MS = 61_000

export interface StratumServerOptions extends Partial<StratumLimits> {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** How often slow and ended connections are looked for. */
  readonly sweepEveryMs?: number
}

export interface StratumServerDeps {
  /** `miner` is a number never used again; `remote` is address and port. */
  readonly onConnected: (miner: number, remote: string) => void
  /** All complete lines of one read, in order. */
  readonly onLines: (miner: number, lines: readonly Uint8Array[]) => void
  /** Once per connected miner. */
  readonly onGone: (miner: number, why: GoneReason) => void
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly clock?: Clock
  /** Addresses that are never banned, since many share them; default `isSharedAddress`. */
  readonly isShared?: (address: string) => boolean
}

/** The listener could not be opened; the message names the setting to change. */
export class StratumListenError extends Error {
  readonly code: 'address-in-use' | 'address-unavailable' | 'not-permitted' | 'listen-failed'

  constructor(options: { host: string; port: number }, cause: Error) {
    const code = LISTEN_CODES[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'listen-failed'
    const where = `${options.host}:${options.port}`
    super(`cannot listen for miners on ${where} (${code}): ${LISTEN_FIXES[code]}`, { cause })
    this.name = 'StratumListenError'
    this.code = code
  }
}

const LISTEN_CODES: Readonly<Record<string, StratumListenError['code']>> = {
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-unavailable',
  EACCES: 'not-permitted'
}

const LISTEN_FIXES: Readonly<Record<StratumListenError['code'], string>> = {
  'address-in-use': 'another program has the port; stop it, or choose another with --stratum-port or [stratum] port',
  'address-unavailable':
    'this computer does not have that address; set --stratum-host or [stratum] hostname to 0.0.0.0 or to one it has',
  'not-permitted': 'choose a port above 1023 with --stratum-port or [stratum] port',
  'listen-failed': 'check [stratum] hostname and port'
}

/** What the operator should act on is a warning. */
const NOTICES = {
  'stratum connections are at their cap: raise the cap and the file descriptor limit': 'warn',
  'stratum listener failed to take a connection': 'warn',
  'a stratum connection sends more lines than miners have reason to, and is read slowly': 'warn',
  'stratum connections refused: too many from one address': 'info',
  'address refused for a while: what it sends is not stratum': 'info'
} as const

type Notice = keyof typeof NOTICES

/** The TCP side of stratum: sockets in, lines out. Knows nothing of what the lines say. */
export class StratumServer {
  readonly #options: StratumServerOptions
  readonly #deps: StratumServerDeps
  readonly #limits: StratumLimits
  readonly #clock: Clock
  readonly #isShared: (address: string) => boolean
  readonly #server: Server
  /** Bounded by `maxConnections`. */
  readonly #miners = new Map<number, MinerSocket>()
  readonly #guard: AddressGuard
  readonly #notices = new Map<Notice, { loggedAtMs: SteadyMs; unlogged: number }>()
  #sweeper: NodeJS.Timeout | null = null
  #nextMiner = 1
  #whenEmpty: (() => void) | null = null

  constructor(options: StratumServerOptions, deps: StratumServerDeps) {
    this.#options = options
    this.#deps = deps
    this.#limits = { ...DEFAULT_LIMITS, ...options }
    this.#clock = deps.clock ?? systemClock()
    this.#isShared = deps.isShared ?? isSharedAddress
    this.#guard = new AddressGuard(this.#limits)
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_AFTER_MS }, socket =>
      this.#accept(socket)
    )
  }

  get connections(): number {
    return this.#miners.size
  }

  /**
   * Opens the listener. To be called once.
   * @returns the port
   * @throws StratumListenError
   */
  async listen(): Promise<number> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(new StratumListenError({ host, port }, error))
      this.#server.once('error', failed)
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        this.#server.off('error', failed)
        resolve()
      })
    })
    this.#server.on('error', err => this.#notice('stratum listener failed to take a connection', { err }))
    this.#sweeper = setInterval(() => this.#sweep(), this.#options.sweepEveryMs ?? SWEEP_EVERY_MS)
    const address = this.#server.address()
    invariant(address !== null && typeof address === 'object', 'a listening server has an address')
    return address.port
  }

  /** Sends whole messages as one write; nothing happens if the miner has left. */
  send(miner: number, output: SessionOutput): void {
    this.#miners.get(miner)?.send(output)
  }

  /** Sends what waits, then hangs up. @param reason a session's `CloseReason`s may speak against the address; others do not */
  close(miner: number, reason?: string): void {
    const socket = this.#miners.get(miner)
    if (socket === undefined) return
    if (reason !== undefined && isMisbehaviour(reason)) this.#misbehaved(socket)
    socket.end('closed', 'ignore')
  }

  /**
   * No new connections, what was sent is flushed, then all are closed. What miners send meanwhile is still delivered.
   * @param signal aborted: everything is cut at once
   */
  async stop({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.#server.listening) this.#server.close()
    for (const socket of this.#miners.values()) socket.end('stopped', 'listen')
    if (this.#miners.size > 0) {
      const cut = (): void => {
        for (const socket of this.#miners.values()) socket.destroy('stopped')
      }
      const patience = setTimeout(cut, STOP_WITHIN_MS)
      signal?.addEventListener('abort', cut, { once: true })
      if (signal?.aborted) cut()
      await new Promise<void>(resolve => {
        this.#whenEmpty = resolve
      })
      clearTimeout(patience)
      signal?.removeEventListener('abort', cut)
    }
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress)
    if (address === null || this.#isRefused(address)) {
      socket.on('error', ignoreError)
      socket.destroy()
      return
    }
    const miner = this.#nextMiner++
    const { maxUnsentBytes, maxUnsentMs, linesPerSec, burstLines } = this.#limits
    const minerSocket = new MinerSocket(socket, address, {
      maxUnsentBytes,
      maxUnsentMs,
      lines: { linesPerSec, burstLines },
      nowMs: () => this.#clock.now().steadyMs,
      onLines: lines => this.#deps.onLines(miner, lines),
      onPaused: () => this.#paused(address),
      onGone: why => this.#gone(miner, why)
    })
    this.#miners.set(miner, minerSocket)
    const host = address.includes(':') ? `[${address}]` : address
    this.#deps.onConnected(miner, `${host}:${socket.remotePort ?? 0}`)
  }

  #isRefused(address: string): boolean {
    const { maxConnections } = this.#limits
    if (this.#miners.size >= maxConnections && !this.#makeRoom()) {
      this.#notice('stratum connections are at their cap: raise the cap and the file descriptor limit', {
        maxConnections
      })
      return true
    }
    const answer = this.#guard.admit(address, this.#clock.now().steadyMs)
    if (answer === 'too-many') this.#notice('stratum connections refused: too many from one address', { address })
    return answer !== 'admit'
  }

  /** Who holds a connection and says nothing must not keep miners out. @returns whether there was one */
  #makeRoom(): boolean {
    for (const [miner, socket] of this.#miners) {
      if (socket.hasSpoken) continue
      socket.destroy('made-room')
      // Told now, not when the socket has closed: whoever counts miners has to know of the room.
      this.#gone(miner, 'made-room')
      return true
    }
    return false
  }

  #paused(address: string): void {
    const { linesPerSec, burstLines } = this.#limits
    this.#notice('a stratum connection sends more lines than miners have reason to, and is read slowly', {
      address,
      linesPerSec,
      burstLines
    })
  }

  #gone(miner: number, why: GoneReason): void {
    const socket = this.#miners.get(miner)
    if (socket === undefined) return
    this.#miners.delete(miner)
    if (why === 'line-too-long' || why === 'not-stratum') this.#misbehaved(socket)
    this.#deps.onGone(miner, why)
    if (this.#miners.size === 0) this.#whenEmpty?.()
  }

  #misbehaved({ address }: MinerSocket): void {
    const nowMs = this.#clock.now().steadyMs
    if (!this.#guard.misbehaved(address, nowMs) || this.#isShared(address) || this.#isProven(address, nowMs)) return
    this.#guard.ban(address, nowMs)
    this.#notice('address refused for a while: what it sends is not stratum', { address, banMs: this.#limits.banMs })
  }

  #isProven(address: string, nowMs: SteadyMs): boolean {
    for (const socket of this.#miners.values()) {
      if (socket.address === address && nowMs - socket.connectedAtMs >= PROVEN_AFTER_MS) return true
    }
    return false
  }

  #sweep(): void {
    const nowMs = this.#clock.now().steadyMs
    for (const socket of this.#miners.values()) socket.sweep(nowMs)
  }

  /** At most one line per kind and minute: strangers cause these. */
  #notice(notice: Notice, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#clock.now().steadyMs
    const last = this.#notices.get(notice)
    if (last !== undefined && nowMs - last.loggedAtMs < NOTICE_EVERY_MS) {
      last.unlogged += 1
      return
    }
    this.#notices.set(notice, { loggedAtMs: nowMs, unlogged: 0 })
    this.#deps.log[NOTICES[notice]]({ ...fields, alsoSinceLast: last?.unlogged ?? 0 }, notice)
  }
}

function ignoreError(): void {
  // The connection is being refused; how it breaks does not matter.
}

/** IPv4 written as such also when it came over an IPv6 socket; null if the other side is gone already. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
