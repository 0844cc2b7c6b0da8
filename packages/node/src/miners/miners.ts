import type { BitcoinNetwork } from '@p2poolv2/bitcoin'
import { EXTRANONCE_BYTES } from '@p2poolv2/bitcoin'
import type { WitnessProgram } from '@p2poolv2/consensus'
import { consensusAddress } from '@p2poolv2/consensus'
import type { BlockHash, Moment, Rng, Sha256d, SteadyMs } from '@p2poolv2/primitives'
import { BoundedMap, bytesEqual, bytesToHex, Deadlines, invariant, steadyMs } from '@p2poolv2/primitives'
import type {
  MinerIdentity,
  MinerSays,
  MinerSession,
  SessionEffect,
  SessionEvent,
  SessionProtocol,
  SessionRemains,
  SessionSettings
} from '@p2poolv2/stratum'
import { settingsOfDoor } from '@p2poolv2/stratum'
import type { MinerId, MinerWarningCode, NodeEvent } from '../contract.ts'
import type { ConnectedWorker } from '../figures/pool-stats.ts'
import type { MinerAddresses } from '../work/work-template.ts'
import { Newcomers } from './newcomers.ts'
import { ParkedSessions } from './parked-sessions.ts'
import { hostOf } from './refused-miners.ts'

/** Miners at a time. At the cap a further one takes the place of one that does nothing; where all work it is closed at once. */
export const MAX_MINERS = 10_000
/** Who has had nothing accepted for so long does nothing: a difficulty that fits is one for a share every few seconds. */
const IDLE_MS = 600_000
/** All have to be looked at for it, so only so often. */
const LOOK_FOR_IDLE_MS = 1_000

/**
 * Of an extranonce's bytes these are the node's, the rest the miner's: proxies need some to share out, and part of the
 * firmware takes 8 at most (stratum §6.1).
 */
const EXTRANONCE_PREFIX_BYTES = 4

/** Workers whose last difficulty is remembered across a reconnect. At the cap the oldest memory goes. */
const MAX_REMEMBERED_DIFFICULTIES = 10_000
const REMEMBER_DIFFICULTY_MS = 600_000

/** One connection. */
export interface Miner {
  readonly id: MinerId
  readonly remote: string
  readonly session: MinerSession
  /** It has had nothing accepted yet. */
  isNewcomer: boolean
  /** The node's part of its extranonce, as a number. */
  extranoncePrefix: number
  /** Whom its jobs commit to; null until it is authorised. */
  addresses: MinerAddresses | null
  identity: MinerIdentity | null
  userAgent: string
  /** Names it is listed under: the first it was authorised under, and those under which something was accepted. */
  readonly workers: string[]
  /** It has asked for work, so every renewal goes to it. */
  wantsWork: boolean
  /** The work of its last job; null before its first. */
  lastWorkId: number | null
  /** Its last job was one that pays it alone, and is no share. */
  isSolo: boolean
  /** When its session is to be called, as far as `Miners` knows. */
  deadlineMs: SteadyMs | null
  /** Where its last share was counted: most miners have one worker, and looking it up costs more than counting. */
  counted: ConnectedWorker | null
  /** What is amiss with it, in words; one of each code. */
  readonly warnings: Map<MinerWarningCode, string>
}

/** What a worker's machine had, and what it said of itself: another machine may have the name next. */
interface RememberedDifficulty {
  readonly difficulty: number
  readonly says: MinerSays
  readonly atMs: SteadyMs
}

type MinerConnected = Extract<NodeEvent, { readonly type: 'minerConnected' }>

export interface MinersOptions {
  readonly network: BitcoinNetwork
  readonly settings: SessionSettings
  readonly maxMiners?: number
}

export interface MinersDeps {
  readonly rng: Rng
  /** What miners speak. */
  readonly protocol: SessionProtocol
  /** The oldest work for which a solution is welcome, or null before any. */
  readonly oldestWorkId: () => number | null
  readonly sha256d?: Sha256d
}

/** The live stratum sessions: makes them, hands them events, knows which one is due next. */
export class Miners {
  readonly #options: MinersOptions
  readonly #deps: MinersDeps
  readonly #maxMiners: number
  readonly #byId = new Map<MinerId, Miner>()
  readonly #deadlines = new Deadlines<MinerId>()
  readonly #liveExtranonces = new Set<number>()
  readonly #lastDifficulties = new BoundedMap<string, RememberedDifficulty>(MAX_REMEMBERED_DIFFICULTIES)
  /** Live connections by the name they were first authorised under; bounded as connections are. */
  readonly #namesakes = new Map<string, number>()
  readonly #parked = new ParkedSessions()
  readonly #newcomers = new Newcomers()
  #lookedForIdleMs: SteadyMs | null = null
  #nextExtranonce: number
  #nowMs = steadyMs(0)

  constructor(options: MinersOptions, deps: MinersDeps) {
    this.#options = options
    this.#deps = deps
    this.#maxMiners = options.maxMiners ?? MAX_MINERS
    this.#nextExtranonce = deps.rng.u32()
  }

  get size(): number {
    return this.#byId.size
  }

  get nextDeadlineMs(): SteadyMs | null {
    return this.#deadlines.peek()?.atMs ?? null
  }

  get(id: MinerId): Miner | undefined {
    return this.#byId.get(id)
  }

  /** In the order in which they connected. */
  all(): IterableIterator<Miner> {
    return this.#byId.values()
  }

  /** @returns null at the cap: close the connection */
  connect(
    id: MinerId,
    { remote, startDifficulty, channel }: Pick<MinerConnected, 'remote' | 'startDifficulty' | 'channel'>,
    nowMs: SteadyMs
  ): Miner | null {
    invariant(!this.#byId.has(id), 'a miner id is new')
    this.#nowMs = nowMs
    if (this.#byId.size >= this.#maxMiners) return null
    const { sha256d, protocol, rng } = this.#deps
    const extranoncePrefix = this.#takeExtranoncePrefix()
    const extranonce = {
      prefix: u32Bytes(extranoncePrefix),
      minerBytes: EXTRANONCE_BYTES - EXTRANONCE_PREFIX_BYTES
    }
    const session = protocol.open(
      {
        ...settingsOfDoor(this.#options.settings, startDifficulty),
        extranonce,
        sessionId: bytesToHex(rng.bytes(8)),
        connectedAtMs: nowMs,
        remote,
        ...(channel === undefined ? {} : { channel })
      },
      {
        resume: sessionId => this.#resume(id, sessionId),
        lastDifficulty: (identity, says) => this.#recall(identity, says),
        ...(sha256d === undefined ? {} : { sha256d })
      }
    )
    const miner: Miner = {
      id,
      remote,
      session,
      isNewcomer: true,
      extranoncePrefix,
      addresses: null,
      identity: null,
      userAgent: '',
      workers: [],
      wantsWork: false,
      lastWorkId: null,
      isSolo: false,
      deadlineMs: null,
      counted: null,
      warnings: new Map()
    }
    this.#byId.set(id, miner)
    this.#newcomers.add(id, hostOf(remote))
    this.#arm(miner)
    return miner
  }

  /** Something of it was accepted. */
  proven(miner: Miner): void {
    if (!miner.isNewcomer) return
    miner.isNewcomer = false
    this.#newcomers.delete(miner.id, hostOf(miner.remote))
  }

  /** At the cap: who gives way for one that comes. Null below it, and where all of them work. */
  givesWay(remote: string, now: Moment): Miner | null {
    if (this.#byId.size < this.#maxMiners) return null
    const first = this.#newcomers.first(hostOf(remote))
    return first === null ? this.#idlest(now) : (this.#byId.get(first) ?? null)
  }

  #idlest({ steadyMs: nowMs, wallMs }: Moment): Miner | null {
    if (this.#lookedForIdleMs !== null && nowMs - this.#lookedForIdleMs < LOOK_FOR_IDLE_MS) return null
    this.#lookedForIdleMs = nowMs
    let idlest: Miner | null = null
    let sinceMs = wallMs - IDLE_MS
    for (const miner of this.#byId.values()) {
      const { lastAcceptedAtMs } = miner.session
      if (lastAcceptedAtMs === null || lastAcceptedAtMs > sinceMs) continue
      idlest = miner
      sinceMs = lastAcceptedAtMs
    }
    return idlest
  }

  /** Hands an event to the session and takes note of its next deadline. */
  handle(miner: Miner, event: SessionEvent, now: Moment): readonly SessionEffect[] {
    this.#nowMs = now.steadyMs
    const effects = miner.session.handle(event, now)
    this.#arm(miner)
    return effects
  }

  /** Takes note of who the miner is. A connection has one payee for good, so jobs given out stay right. */
  identify(miner: Miner, identity: MinerIdentity, userAgent: string): void {
    miner.userAgent = userAgent
    if (miner.identity !== null) {
      invariant(miner.identity.payoutAddress === identity.payoutAddress, 'a connection has one payee')
      return
    }
    const bitcoin = consensusAddress(identity.payoutAddress, this.#options.network)
    invariant(
      bitcoin !== null && bytesEqual(bitcoin.script, identity.payoutScript),
      'an authorised address can be paid'
    )
    invariant(identity.shareProgram !== null, 'authorisation finds a share-chain address for everybody')
    const share: WitnessProgram = { version: 1, program: identity.shareProgram }
    const key = keyOf(identity)
    this.#namesakes.set(key, (this.#namesakes.get(key) ?? 0) + 1)
    miner.identity = identity
    miner.addresses = { bitcoin, share }
  }

  /** The connection is gone, or about to be. */
  remove(miner: Miner, nowMs: SteadyMs): void {
    if (miner.identity !== null) this.#forgetName(keyOf(miner.identity))
    if (miner.identity !== null && miner.lastWorkId !== null) {
      const { difficulty, says } = miner.session
      this.#lastDifficulties.delete(keyOf(miner.identity))
      this.#lastDifficulties.set(keyOf(miner.identity), { difficulty, says, atMs: nowMs })
    }
    this.#byId.delete(miner.id)
    if (miner.isNewcomer) this.#newcomers.delete(miner.id, hostOf(miner.remote))
    this.#deadlines.delete(miner.id)
    this.#liveExtranonces.delete(miner.extranoncePrefix)
    const remains = miner.session.remains()
    if (remains !== null) this.#parked.park(remains, miner.extranoncePrefix, nowMs)
  }

  /** Bitcoin has a new tip. Sessions are told apart from this. */
  newBlock(prevHash: BlockHash, nowMs: SteadyMs): void {
    this.#parked.newBlock(prevHash, nowMs)
  }

  /** The miners whose session asked to be called by now. */
  due(nowMs: SteadyMs): readonly Miner[] {
    const due = this.#deadlines.popDue(nowMs).flatMap(id => this.#byId.get(id) ?? [])
    for (const miner of due) miner.deadlineMs = null
    return due
  }

  checkInvariants(): void {
    invariant(this.#byId.size <= this.#maxMiners, 'miners are within their cap')
    invariant(this.#liveExtranonces.size === this.#byId.size, 'each connection has an extranonce of its own')
    this.#lastDifficulties.checkInvariants()
    this.#parked.checkInvariants()
    this.#newcomers.checkInvariants()
    let newcomers = 0
    for (const { isNewcomer } of this.#byId.values()) if (isNewcomer) newcomers += 1
    invariant(newcomers === this.#newcomers.size, 'who has had nothing accepted is known')
    for (const prefix of this.#liveExtranonces)
      invariant(!this.#parked.hasPrefix(prefix), 'no extranonce has two owners')
    let named = 0
    for (const count of this.#namesakes.values()) named += count
    let identified = 0
    for (const { identity } of this.#byId.values()) if (identity !== null) identified += 1
    invariant(named === identified, 'every authorised connection counts for its name')
    this.#deadlines.checkInvariants()
    for (const miner of this.#byId.values()) {
      invariant(!miner.wantsWork || miner.addresses !== null, 'a miner that wants work has somebody to pay')
      const { nextDeadlineMs } = miner.session
      invariant(
        this.#deadlines.get(miner.id) === nextDeadlineMs && miner.deadlineMs === nextDeadlineMs,
        "a session's deadline is known"
      )
      miner.session.checkInvariants(this.#nowMs)
    }
  }

  #arm(miner: Miner): void {
    const atMs = miner.session.nextDeadlineMs
    if (atMs === miner.deadlineMs) return
    miner.deadlineMs = atMs
    if (atMs === null) this.#deadlines.delete(miner.id)
    else this.#deadlines.set(miner.id, atMs)
  }

  /** A counter that begins anywhere: no two live connections search the same coinbases, and a used one is long unused. */
  #takeExtranoncePrefix(): number {
    while (this.#liveExtranonces.has(this.#nextExtranonce) || this.#parked.hasPrefix(this.#nextExtranonce)) {
      this.#nextExtranonce = (this.#nextExtranonce + 1) >>> 0
    }
    const number = this.#nextExtranonce
    this.#liveExtranonces.add(number)
    this.#nextExtranonce = (number + 1) >>> 0
    return number
  }

  /** The connection goes on with the extranonce of one that has ended; its own was never used. */
  #resume(id: MinerId, sessionId: string): SessionRemains | null {
    const miner = this.#byId.get(id)
    invariant(miner !== undefined, 'only a connection that is there resumes')
    const parked = this.#parked.take(sessionId, { oldestWorkId: this.#deps.oldestWorkId(), nowMs: this.#nowMs })
    if (parked === null) return null
    this.#liveExtranonces.delete(miner.extranoncePrefix)
    miner.extranoncePrefix = parked.extranoncePrefix
    this.#liveExtranonces.add(parked.extranoncePrefix)
    return parked.remains
  }

  /**
   * What a worker had is for the same machine only: one that says the same, under a name that no other connection has. Else a
   * hall's difficulty would go to a microcontroller that has its owner's address as well.
   */
  #recall(identity: MinerIdentity, says: MinerSays): number | null {
    const key = keyOf(identity)
    const last = this.#lastDifficulties.get(key)
    if (last === undefined || this.#nowMs - last.atMs > REMEMBER_DIFFICULTY_MS) return null
    const isAlone = this.#namesakes.get(key) === 1
    return isAlone && isSameMachine(last.says, says) ? last.difficulty : null
  }

  #forgetName(key: string): void {
    const left = (this.#namesakes.get(key) ?? 1) - 1
    if (left === 0) this.#namesakes.delete(key)
    else this.#namesakes.set(key, left)
  }
}

function isSameMachine(a: MinerSays, b: MinerSays): boolean {
  return (
    a.userAgent === b.userAgent &&
    a.operator?.difficulty === b.operator?.difficulty &&
    a.operator?.minimumDifficulty === b.operator?.minimumDifficulty &&
    a.operator?.terahashes === b.operator?.terahashes
  )
}

function keyOf(identity: MinerIdentity): string {
  return `${identity.payoutAddress}.${identity.worker}`
}

function u32Bytes(number: number): Uint8Array {
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)
}
