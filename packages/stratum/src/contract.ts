import type { Job, Solution } from '@p2poolv2/bitcoin'
import type { BlockHash, Moment, Sha256d, SteadyMs, UnixMs } from '@p2poolv2/primitives'

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
  /** What follows the first dot of the user name; '' when nothing does. */
  readonly worker: string
  /** 32 bytes: the share chain's payee. Null when the miner mines without the share chain. */
  readonly shareProgram: Uint8Array | null
}

export interface AuthoriseRequest {
  /** The user name before its first dot: printable ASCII, trimmed, at most 128 characters, unchecked otherwise. */
  readonly user: string
  /** Printable ASCII, '' when none. */
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

export interface VardiffOptions {
  /** 'off': the difficulty follows hints and limits only. */
  readonly retarget: 'on' | 'off'
  readonly targetSharesPerSec: number
  readonly minDifficulty: number
  readonly maxDifficulty: number
  /** For a miner of no known class that gives no hint. */
  readonly startDifficulty: number
}

/** Miners known by how their user agent begins. The first match counts. */
export interface StartProfile {
  /** Compared without regard to case. */
  readonly userAgentPrefix: string
  readonly startDifficulty: number
  /** Below this the firmware reports no more shares than at it; null when there is no such bound. */
  readonly floorDifficulty: number | null
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
  readonly connectedAtMs: SteadyMs
  /** Where the miner connects from; kept for whoever lists sessions. */
  readonly remote: string
}

export interface SessionDeps {
  /** For long coinbases; the portable one when absent. */
  readonly sha256d?: Sha256d
  /** The difficulty this worker had when last seen, or null. Asked once, before the first work. */
  readonly lastDifficulty?: (identity: MinerIdentity) => number | null
}

/** One miner's connection as whoever keeps it sees it, whatever protocol it speaks. */
export interface MinerSession {
  readonly remote: string
  /** The first authorised worker, or null. */
  readonly identity: MinerIdentity | null
  /** '' before the miner said it, or when it said none. */
  readonly userAgent: string
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
  /** Hashes per second over about five minutes. */
  hashrateHps(nowMs: SteadyMs): number
  /** @param now a session keeps time by the steady clock and judges the times of headers by the wall's */
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
  /** `message` names the fix and goes to the miner. */
  | { readonly type: 'refused'; readonly requestId: number; readonly message: string }
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

/**
 * Effects of one event come in this order: solutions, what to send, facts (`joined`, `accepted`, `rejected`) as they
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
  /** Who is this? Answer with `authorised` or `refused`, now or later. `requestId` is new in this session. */
  | { readonly type: 'authorise'; readonly requestId: number; readonly request: AuthoriseRequest }
  /** Answer with a `work` event, now or when there is work. */
  | { readonly type: 'wantWork' }
  /** Write what was sent, then close. */
  | { readonly type: 'close'; readonly reason: CloseReason }
