import type { Job, MiningWork, Solution } from '@p2poolv2/bitcoin'
import type { BlockHash, Moment, Sha256d, SteadyMs, UnixMs } from '@p2poolv2/primitives'
import type { SizeFit } from './mining/size-fit.ts'

/**
 * What one miner's session is told (`SessionEvent`) and what it asks for (`SessionEffect`): plain objects with a
 * literal `type`, no behaviour. Nothing here knows which protocol the miner speaks: what a session reads and writes are
 * whole messages of its protocol, and everything between is the same for all.
 */

/** Who a miner is, as the answer to `authorise` says. */
export interface MinerIdentity {
  /** Canonical text of the bitcoin address that is paid. */
  readonly payoutAddress: string
  readonly payoutScript: Uint8Array
  /** The label of the user name, '' when there is none; the whole name where the node's own address is paid. */
  readonly worker: string
  /** 32 bytes: the share chain's payee. Null when the miner mines without the share chain. */
  readonly shareProgram: Uint8Array | null
}

export interface AuthoriseRequest {
  /** The user name up to the first sign that no address has: letters and digits, '' when it begins with none. */
  readonly user: string
  /** Its label: printable ASCII of plain characters, at most 64, '' when none. */
  readonly worker: string
  /** Value of `p2p=` in the password (protocol §20.1), or null. */
  readonly shareAddress: string | null
}

/** The difficulties of the work at hand, relative to bitcoin's difficulty 1. */
export interface DifficultyLimits {
  /** Difficulty of the share chain: asking more of a miner would lose shares. Null: this work cannot become a share. */
  readonly shareDifficulty: number | null
  /** Asking more than this would lose blocks. */
  readonly bitcoinDifficulty: number
}

/** What a miner's operator has set in its password; null where nothing is. */
export interface OperatorHints {
  /** Where to start, and never less. */
  readonly difficulty: number | null
  /** Never less. */
  readonly minimumDifficulty: number | null
  /** Hash rate in TH/s, from which to start. */
  readonly terahashes: number | null
}

/** What a connection said of itself: another one that says the same may go on where it left off. */
export interface MinerSays {
  /** '' when none. */
  readonly userAgent: string
  /** Null before it authorised. */
  readonly operator: OperatorHints | null
}

export interface VardiffOptions {
  /** 'off': the difficulty follows hints and limits only. */
  readonly retarget: 'on' | 'off'
  readonly targetSharesPerSec: number
  readonly minDifficulty: number
  /** What the node's operator set as the least; it wins over the cap of what is useful. Null when nobody set any. */
  readonly setMinimum?: number | null
  readonly maxDifficulty: number
  /** For a miner of no known class that gives no hint. */
  readonly startDifficulty: number
}

/** Miners known by how their user agent begins. The first match counts. */
export interface StartProfile {
  /** Compared without regard to case. */
  readonly userAgentPrefix: string
  /** Null: as for a miner of no known kind. */
  readonly startDifficulty: number | null
  /** Below this the firmware reports no more shares than at it; null when there is no such bound. */
  readonly floorDifficulty: number | null
  /** Whoever rents these out refuses less: the floor wins over the cap of what is useful. Default false. */
  readonly isFloorDemanded?: boolean
}

/** What all sessions of a listener share. */
export interface SessionSettings {
  /** u32: the version bits a miner may roll (BIP 310); the widest in use is BIP 323's 0x1fffffe0. */
  readonly versionMask: number
  readonly vardiff: VardiffOptions
  readonly startProfiles: readonly StartProfile[]
}

/** Which part of a coinbase's extranonce is the node's and which is the miner's: `EXTRANONCE_BYTES` together. */
export interface ExtranonceSpace {
  /** The node's part, first in the coinbase; unique among live sessions. */
  readonly prefix: Uint8Array
  /** Bytes of the miner's part. */
  readonly minerBytes: number
}

export interface SessionOptions extends SessionSettings {
  readonly extranonce: ExtranonceSpace
  /** 16 hex digits, hard to guess: by saying it a later connection resumes this one. */
  readonly sessionId: string
  readonly connectedAtMs: SteadyMs
  /** Where the miner connects from; kept for whoever lists sessions. */
  readonly remote: string
  /** Its number on its connection, where that carries more than one (Stratum V2): positive, below 2^31 - 1. */
  readonly channel?: number
}

/** Jobs of a connection that ended, with what was submitted for them. Whoever keeps them tells them what sessions are told. */
export interface KeptJobs {
  /** Forgets those past their life. */
  expire(nowMs: SteadyMs): void
  /** Works before this one are not kept any longer. */
  forgetWorksBefore(workId: number): void
  /** Bitcoin has a new tip. */
  newBlock(prevHash: BlockHash, nowMs: SteadyMs): void
  checkInvariants(): void
}

/**
 * What a connection that ended leaves to the one that resumes it. Its jobs go to the same payee only, so a session id in wrong
 * hands gives away an extranonce that nobody uses, and nothing else.
 */
export interface SessionRemains {
  readonly sessionId: string
  readonly extranonce: ExtranonceSpace
  readonly identity: MinerIdentity
  /** Nobody else uses them any more. */
  readonly jobs: KeptJobs
}

export interface SessionDeps {
  /** For long coinbases; the portable one when absent. */
  readonly sha256d?: Sha256d
  /** What the ended connection of this id left, or null. It is given out once. Asked before the answer to subscribe. */
  readonly resume?: (sessionId: string) => SessionRemains | null
  /** The difficulty that a worker who said the same had when last seen, or null. Asked once, before the first work. */
  readonly lastDifficulty?: (identity: MinerIdentity, says: MinerSays) => number | null
}

/** One miner's connection as whoever keeps it sees it, whatever protocol it speaks. */
export interface MinerSession {
  readonly remote: string
  /** The first authorised worker, or null. */
  readonly identity: MinerIdentity | null
  /** '' before the miner said it, or when it said none. */
  readonly userAgent: string
  readonly says: MinerSays
  /** What the miner is asked for; before its first work what is asked of anybody. */
  readonly difficulty: number
  readonly accepted: number
  readonly rejected: number
  /** By the wall clock. */
  readonly lastAcceptedAtMs: UnixMs | null
  /** Highest difficulty that an accepted share reached; 0 before the first. */
  readonly bestDifficulty: number
  /** The oldest work that a solution may still name, or null when none may come. */
  readonly oldestWorkId: number | null
  /** When to send `deadline`; null for never. */
  readonly nextDeadlineMs: SteadyMs | null
  /** Works before this one are not kept any longer: jobs of theirs are forgotten at once, whenever the next job comes. */
  forgetWorksBefore(workId: number): void
  /** To be asked when the connection has ended; null when there is nothing to resume. */
  remains(): SessionRemains | null
  /** Null where the miner can take jobs of this work, and is not near its bound, or nothing is known of it. The same whenever asked. */
  sizeFit(work: MiningWork): SizeFit | null
  /** Hashes per second over about five minutes. */
  hashrateHps(nowMs: SteadyMs): number
  /**
   * After its `close` a session goes on to take what was received, for solutions alone: they may be blocks.
   * @param now a session keeps time by the steady clock and judges the times of headers by the wall's
   */
  handle(event: SessionEvent, now: Moment): readonly SessionEffect[]
  checkInvariants(nowMs: SteadyMs): void
}

/** Opens sessions of one protocol, and keeps what they can share, such as the text of a job. */
export interface SessionProtocol {
  open(options: SessionOptions, deps: SessionDeps): MinerSession
}

/** What is written at once: whole lines of ASCII as text, or whole frames as bytes, as the protocol has it. */
export type SessionOutput = string | Uint8Array

export type SessionEvent =
  /** All complete messages of one read, in order: lines without their ends, or frames. */
  | { readonly type: 'received'; readonly messages: readonly Uint8Array[] }
  /** The answers to `authorise`. One that comes too late, or that nobody asked for, is ignored. */
  | { readonly type: 'authorised'; readonly requestId: number; readonly identity: MinerIdentity }
  /**
   * `message` names the fix and goes to the miner. `patienceMs`: for how long to keep the connection, default 10 s; more lets a
   * miner that tries again for ever do so more slowly. `blames`: what is wrong is not the bitcoin address.
   */
  | {
      readonly type: 'refused'
      readonly requestId: number
      readonly message: string
      readonly patienceMs?: number
      readonly blames?: 'share-address'
    }
  /** New work for this miner: the answer to `wantWork`, a renewal or a new block. `job.id` is new. */
  | {
      readonly type: 'work'
      readonly job: Job
      /** Older works are not kept any longer: their jobs are forgotten before they are. */
      readonly oldestWorkId: number
      readonly cleanJobs: boolean
      readonly limits: DifficultyLimits
    }
  /** Bitcoin has a new tip. Submits for other previous blocks go stale, but are tested as blocks as ever. */
  | { readonly type: 'newBlock'; readonly prevHash: BlockHash }
  /** The node is about to stop: the miner is told to look for another. What it has under way is judged as ever. */
  | { readonly type: 'stopping' }
  | { readonly type: 'deadline' }

/** Why a session ends itself. `isMisbehaviour` says which of them speak against the address. */
export type CloseReason =
  | 'not-json'
  | 'invalid-requests'
  | 'refused'
  | 'no-subscribe'
  | 'no-authorise'
  | 'only-rejects'
  | 'asked'
  | 'undecodable'
  | 'job-too-large'

/**
 * Effects of one event come in this order: solutions, what to send, facts (`joined`, `accepted`, `rejected`, `difficultyConflict`) as they
 * happened, `authorise`, `wantWork`, `close`. After `close` a session stays silent.
 */
export type SessionEffect =
  /** Meets the bitcoin target, the share target or both, whatever the miner is told. Once per header. */
  | {
      readonly type: 'solution'
      readonly solution: Solution
      /** What its job was sent with. */
      readonly difficulty: number
      readonly worker: string
    }
  /** To be written at once. */
  | { readonly type: 'send'; readonly output: SessionOutput }
  /**
   * A worker name of this connection, the first or a further one of the same payee. Comes once the connection has
   * subscribed as well, always before its first `wantWork`.
   */
  | { readonly type: 'joined'; readonly identity: MinerIdentity; readonly userAgent: string }
  /** `creditedDifficulty` was checked against the hash; `hashDifficulty` is what the hash reached. */
  | {
      readonly type: 'accepted'
      readonly creditedDifficulty: number
      readonly hashDifficulty: number
      readonly worker: string
    }
  /** In the numbers and words of Stratum V1, which the node's figures count by, whatever the miner was told. */
  | { readonly type: 'rejected'; readonly code: number; readonly reason: string; readonly worker: string }
  /**
   * What was asked for is above `usefulDifficulty`, the highest at which no share and no block is lost. Granted, since somebody
   * set it, or not. Once of each kind and connection, after the first work.
   */
  | {
      readonly type: 'difficultyConflict'
      readonly wantedDifficulty: number
      readonly usefulDifficulty: number
      readonly isGranted: boolean
    }
  /** Who is this? Answer with `authorised` or `refused`, now or later. `requestId` is new in this session. */
  | { readonly type: 'authorise'; readonly requestId: number; readonly request: AuthoriseRequest }
  /** Answer with a `work` event, now or when there is work. */
  | { readonly type: 'wantWork' }
  /** Write what was sent, then close. */
  | { readonly type: 'close'; readonly reason: CloseReason }
