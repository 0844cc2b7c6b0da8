import { BoundedSet, hostNetwork, invariant, type SteadyMs } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES, type Message, systemClock } from '@p2poolv2/runtime'
import { isMisbehaviour, type SessionOutput } from '@p2poolv2/stratum'
import { AddressGuard } from './address-guard.ts'
import { AddressRanges } from './address-ranges.ts'
import { DEFAULT_LIMITS, type Door, type GoneReason, type StratumLimits } from './contract.ts'
import { HostTurns, type HostTurnsOptions } from './host-turns.ts'
import { MinerSocket } from './miner-socket.ts'
import { OpenDoor, type Visitor } from './open-door.ts'
import { Outbox, type Speaker } from './outbox.ts'
import { isSharedAddress } from './shared-address.ts'
import { SealedSocket } from './v2/sealed-socket.ts'

const SWEEP_EVERY_MS = 5_000
/** Time for what was sent to arrive when the server stops. */
const STOP_WITHIN_MS = 1_000
/** And for what was read until then to be judged, once all are hung up on: of a flood it may be much. */
export const LAST_TURNS_MS = 500
const NOTICE_EVERY_MS = 60_000
/** An address with a connection older than this has a working miner behind it and is not banned for its neighbours. */
const PROVEN_AFTER_MS = 61_000
/** Addresses known for that; at the cap the oldest is a stranger again. */
const MAX_KNOWN = 4_096

/** Its own host and port are the first door. */
export interface StratumServerOptions extends Partial<StratumLimits>, Door {
  readonly moreDoors?: readonly Door[]
  /**
   * Addresses and ranges behind which many miners are known to be: a farm, a rental service. No limit counts by these.
   * @see AddressRanges
   */
  readonly trustedRanges?: readonly string[]
  /**
   * Addresses and ranges of fronts in the middle that are believed when they say, in the words of the PROXY protocol, for whom
   * they speak.
   */
  readonly proxyRanges?: readonly string[]
  /** How often slow and ended connections are looked for. */
  readonly sweepEveryMs?: number
}

export interface StratumServerDeps {
  /**
   * `miner` is a number never used again; `remote` is address and port; `door` the one it came in by; `channel` its number on a
   * connection of Stratum V2, which may carry more than one miner.
   */
  readonly onConnected: (miner: number, remote: string, door: Door, channel?: number) => void
  /** Complete lines or frames of one read, in order: all of them, or so many at a time that others have their turn. */
  readonly onLines: (miner: number, lines: readonly Uint8Array[]) => void
  /** Once per connected miner. */
  readonly onGone: (miner: number, why: GoneReason) => void
  /**
   * Asked before anything is written: keeps what miners are about to be told, or says that it cannot be and that they must not be.
   * Default: there is nothing to keep.
   */
  readonly mayWrite?: () => 'yes' | 'no'
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly clock?: Clock
  /** Whose time what miners send takes. Default: the computer's. */
  readonly turns?: Pick<HostTurnsOptions, 'nowMs' | 'later'>
  /** Addresses that are never banned, since many share them; default `isSharedAddress`. */
  readonly isShared?: (address: string) => boolean
}

/** Good to know; what the operator should act on is a warning of the table. */
type Aside = 'a renewed certificate is in use' | 'address refused for a while: what it sends is not stratum'
type Notice = Message<'warn'> | Aside

const OWN_TURNS: Pick<HostTurnsOptions, 'nowMs' | 'later'> = {
  nowMs: () => performance.now(),
  later: turn => void setImmediate(turn)
}

/** Ends of connections that speak against the address. */
const MISBEHAVIOURS: ReadonlySet<GoneReason> = new Set<GoneReason>([
  'line-too-long',
  'not-stratum',
  'not-sealed',
  'frame-too-long'
])

/** The TCP side of stratum: sockets in, lines out. Knows nothing of what the lines say. */
export class StratumServer {
  readonly #options: StratumServerOptions
  readonly #deps: StratumServerDeps
  readonly #limits: StratumLimits
  readonly #clock: Clock
  readonly #isShared: (address: string) => boolean
  readonly #doors: readonly OpenDoor[]
  readonly #trusted: AddressRanges
  /** Connections: a miner's number, or that of a connection with channels. Bounded by `maxConnections`. */
  readonly #miners = new Map<number, MinerSocket | SealedSocket>()
  /** Miners that are channels of one; bounded as channels of a connection are. */
  readonly #channels = new Map<number, SealedSocket>()
  /** How many of them an address has, or a network of IPv6. */
  readonly #perNetwork = new Map<string, number>()
  readonly #guard: AddressGuard
  /** Addresses that have had a miner here for a while: who comes back from there has his handshake before strangers have. */
  readonly #known = new BoundedSet<string>(MAX_KNOWN)
  readonly #noted = new WeakSet<MinerSocket | SealedSocket>()
  readonly #outbox = new Outbox()
  readonly #turns: HostTurns
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
    this.#turns = new HostTurns({ ...(deps.turns ?? OWN_TURNS), onServed: () => this.#outbox.flush() })
    this.#guard = new AddressGuard(this.#limits)
    const proxies = new AddressRanges(options.proxyRanges ?? [])
    // Behind a front that says nothing of it there are many as well.
    this.#trusted = new AddressRanges([...(options.trustedRanges ?? []), ...(options.proxyRanges ?? [])])
    const { host, port, tls, startDifficulty } = options
    const first = { host, port, ...(tls && { tls }), ...(startDifficulty !== undefined && { startDifficulty }) }
    this.#doors = [first, ...(options.moreDoors ?? [])].map(
      door =>
        new OpenDoor(door, {
          isFront: address => proxies.includes(address),
          // A front is refused for nothing that those do whom it speaks for.
          onConnection: (_socket, address) =>
            proxies.includes(address) ? this.#hasRoom() : this.#isRefused(address, door) ? 'refuse' : 'take',
          onVisitor: visitor => this.#accept(visitor, door),
          onWrongHeader: address => this.#notice(MESSAGES.proxyHeaderBad, { address }),
          onError: err => this.#notice(MESSAGES.acceptFailed, { err })
        })
    )
  }

  get connections(): number {
    return this.#miners.size
  }

  /** Of the doors in the order given, the first one first; to be asked while they are open. 0: of one done without. */
  get ports(): readonly number[] {
    return this.#doors.map(({ port }) => port)
  }

  /**
   * Opens the doors. To be called once.
   * @returns the port of the first
   * @throws StratumListenError when one cannot be opened; then none is
   */
  async listen(): Promise<number> {
    try {
      for (const door of this.#doors) await this.#open(door)
    } catch (error) {
      for (const door of this.#doors) door.close()
      throw error
    }
    this.#sweeper = setInterval(() => this.#sweep(), this.#options.sweepEveryMs ?? SWEEP_EVERY_MS)
    const [port] = this.ports
    invariant(port !== undefined, 'there is a first door')
    return port
  }

  async #open(door: OpenDoor): Promise<void> {
    try {
      await door.listen()
    } catch (err) {
      if (door.door.isOptional !== true) throw err
      const { host, port } = door.door
      this.#deps.log.warn(MESSAGES.v2PortUnavailable, { err, host, port })
    }
  }

  /** Looks whether certificates were renewed; called by itself every few seconds. */
  async refreshCertificates(): Promise<void> {
    for (const door of this.#doors) {
      const { host, port } = door.door
      try {
        if (await door.refreshCertificate()) this.#notice('a renewed certificate is in use', { host, port })
      } catch (err) {
        this.#notice(MESSAGES.certificateUnusable, { err, host, port })
      }
    }
  }

  /** Sends whole messages before the server waits again, as one write; nothing happens if the miner has left. */
  send(miner: number, output: SessionOutput): void {
    const socket = this.#miners.get(miner)
    if (socket instanceof MinerSocket) socket.send(output)
    else this.#channels.get(miner)?.say(miner, output)
  }

  /** Sends what waits, then hangs up; what the miner sent before it knew is still delivered. @param reason a session's `CloseReason`s may speak against the address; others do not */
  close(miner: number, reason?: string): void {
    const channel = this.#channels.get(miner)
    const socket = channel ?? this.#miners.get(miner)
    if (socket === undefined) return
    const isFault = reason !== undefined && isMisbehaviour(reason)
    if (isFault) this.#misbehaved(socket)
    // At a stop all channels end, and clients take the end of the connection best.
    if (channel === undefined || isFault || reason === 'stopping') socket.end('closed')
    else {
      this.#channels.delete(miner)
      channel.endMiner(miner, reason ?? 'closed')
    }
  }

  /**
   * No new connections; those there are go on for a while, then what was sent is flushed and all are closed. What miners send
   * meanwhile is still delivered, unless it is so much that it cannot be judged within `LAST_TURNS_MS` of their end. The doors are closed when the call returns its promise.
   * @param options.drainMs for how long to wait for miners that were told to leave; default not at all
   * @param options.signal aborted: everything is cut at once
   */
  async stop({ signal, drainMs = 0 }: { signal?: AbortSignal; drainMs?: number } = {}): Promise<void> {
    for (const door of this.#doors) door.close()
    if (drainMs > 0) await this.#emptied(drainMs, signal)
    for (const socket of this.#miners.values()) socket.end('stopped')
    await this.#emptied(STOP_WITHIN_MS, signal)
    for (const socket of this.#miners.values()) socket.destroy('stopped')
    this.#turns.endWithin(LAST_TURNS_MS)
    await this.#emptied(null)
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
  }

  /** Resolves when no connection is left, and when `withinMs` are over or `signal` is aborted, whatever comes first. */
  async #emptied(withinMs: number | null, signal?: AbortSignal): Promise<void> {
    if (this.#miners.size === 0 || signal?.aborted) return
    await new Promise<void>(resolve => {
      const patience = withinMs === null ? null : setTimeout(() => done(), withinMs)
      const done = (): void => {
        if (patience !== null) clearTimeout(patience)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      signal?.addEventListener('abort', done, { once: true })
      this.#whenEmpty = done
    })
  }

  #accept({ socket, from, isThroughFront }: Visitor, door: Door): void {
    const { address, port } = from
    // Of who came through a front it is known only now who he is.
    if (isThroughFront && this.#isRefused(address, door)) {
      socket.destroy()
      return
    }
    const miner = this.#nextMiner++
    const { maxUnsentBytes, maxUnsentMs, linesPerSec, burstLines } = this.#limits
    const network = hostNetwork(address)
    const options = {
      // Where many miners are known to be each is a host of its own.
      host: this.#turns.host(this.#trusted.includes(address) ? `${miner}` : network),
      turns: this.#turns,
      maxUnsentBytes,
      maxUnsentMs,
      lines: { linesPerSec, burstLines },
      nowMs: () => this.#clock.now().steadyMs,
      mayWrite: this.#deps.mayWrite ?? ((): 'yes' => 'yes'),
      onOutput: (speaker: Speaker) => this.#outbox.add(speaker),
      onPaused: () => this.#paused(address),
      onGone: (why: GoneReason) => this.#gone(miner, why)
    }
    const host = address.includes(':') ? `[${address}]` : address
    const remote = `${host}:${port}`
    this.#perNetwork.set(network, (this.#perNetwork.get(network) ?? 0) + 1)
    if (door.handshakes === undefined) {
      const onLines = (lines: readonly Uint8Array[]): void => this.#deps.onLines(miner, lines)
      this.#miners.set(miner, new MinerSocket(socket, address, { ...options, onLines }))
      this.#deps.onConnected(miner, remote, door)
      return
    }
    const { handshakes } = door
    const sealed: SealedSocket = new SealedSocket(socket, address, {
      ...options,
      handshakes,
      isKnown: this.#known.has(network),
      newMiner: () => this.#nextMiner++,
      // A channel of a connection is a miner like another.
      onOpened: (member, channel) => {
        this.#channels.set(member, sealed)
        if (this.#comesTooOften(address, 'plain')) this.close(member)
        else this.#deps.onConnected(member, remote, door, channel)
      },
      onMessages: (member, messages) => this.#deps.onLines(member, messages),
      onLeft: member => this.#left(member, 'left'),
      onFault: reason => {
        if (isMisbehaviour(reason)) this.#misbehaved(sealed)
      }
    })
    this.#miners.set(miner, sealed)
  }

  #left(miner: number, why: GoneReason): void {
    if (this.#channels.delete(miner)) this.#deps.onGone(miner, why)
  }

  #hasRoom(): 'take' | 'refuse' {
    const waiting = this.#doors.reduce((sum, door) => sum + door.waiting, 0)
    return waiting < this.#limits.maxConnections ? 'take' : 'refuse'
  }

  #isRefused(address: string, { handshakes }: Door): boolean {
    const { maxConnections, maxPerAddress } = this.#limits
    if (this.#miners.size >= maxConnections && !this.#makeRoom()) {
      this.#notice(MESSAGES.connectionsFull, {
        maxConnections
      })
      return true
    }
    if (this.#trusted.includes(address)) return false
    if ((this.#perNetwork.get(hostNetwork(address)) ?? 0) >= maxPerAddress && !this.#isShared(address)) {
      this.#notice(MESSAGES.addressTooMany, { address, maxPerAddress })
      return true
    }
    return this.#comesTooOften(address, handshakes === undefined ? 'plain' : 'sealed')
  }

  /** @param kind channels are counted as plain connections: each is a miner, and costs what one does */
  #comesTooOften(address: string, kind: 'plain' | 'sealed'): boolean {
    if (this.#trusted.includes(address)) return false
    const answer = this.#guard.admit(address, kind, this.#clock.now().steadyMs)
    if (answer === 'too-many') this.#notice(MESSAGES.addressTooOften, { address })
    return answer !== 'admit'
  }

  /** Who holds a connection and does nothing with it must not keep miners out. @returns whether there was one */
  #makeRoom(): boolean {
    for (const [miner, socket] of this.#miners) {
      if (socket.isInUse) continue
      socket.destroy('made-room')
      // Told now, not when the socket has closed: whoever counts miners has to know of the room.
      this.#gone(miner, 'made-room')
      return true
    }
    return false
  }

  #paused(address: string): void {
    const { linesPerSec, burstLines } = this.#limits
    this.#notice(MESSAGES.minerFloods, {
      address,
      linesPerSec,
      burstLines
    })
  }

  #gone(miner: number, why: GoneReason): void {
    const socket = this.#miners.get(miner)
    if (socket === undefined) return
    this.#miners.delete(miner)
    const network = hostNetwork(socket.address)
    const others = (this.#perNetwork.get(network) ?? 1) - 1
    if (others === 0) this.#perNetwork.delete(network)
    else this.#perNetwork.set(network, others)
    if (MISBEHAVIOURS.has(why)) this.#misbehaved(socket)
    if (socket instanceof MinerSocket) this.#deps.onGone(miner, why)
    else for (const member of socket.miners) this.#left(member, why)
    if (this.#miners.size === 0) this.#whenEmpty?.()
  }

  #misbehaved({ address }: MinerSocket | SealedSocket): void {
    const nowMs = this.#clock.now().steadyMs
    if (!this.#guard.misbehaved(address, nowMs)) return
    if (this.#trusted.includes(address) || this.#isShared(address) || this.#isProven(address, nowMs)) return
    this.#guard.ban(address, nowMs)
    this.#notice('address refused for a while: what it sends is not stratum', { address, banMs: this.#limits.banMs })
  }

  #isProven(address: string, nowMs: SteadyMs): boolean {
    const network = hostNetwork(address)
    for (const socket of this.#miners.values()) {
      if (hostNetwork(socket.address) === network && nowMs - socket.connectedAtMs >= PROVEN_AFTER_MS) return true
    }
    return false
  }

  #sweep(): void {
    const nowMs = this.#clock.now().steadyMs
    for (const socket of this.#miners.values()) {
      socket.sweep(nowMs)
      if (this.#noted.has(socket) || !socket.isInUse || nowMs - socket.connectedAtMs < PROVEN_AFTER_MS) continue
      this.#noted.add(socket)
      this.#known.add(hostNetwork(socket.address))
    }
    void this.refreshCertificates()
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
    const all = { ...fields, alsoSinceLast: last?.unlogged ?? 0 }
    if (typeof notice === 'string') this.#deps.log.info(all, notice)
    else this.#deps.log.warn(notice, all)
  }
}
