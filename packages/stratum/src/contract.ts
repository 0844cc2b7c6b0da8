import type { Job, Solution, Work } from '@p2poolv2/bitcoin'
import type { BlockHash, Sha256d, UnixMs } from '@p2poolv2/primitives'
import type { NotifyParts } from './v1/notify-line.ts'

/**
 * What one miner's session is told (`SessionEvent`) and what it asks for (`SessionEffect`): plain objects with a
 * literal `type`, no behaviour.
 */

/** Who a miner is, as found out by `Authorise`. */
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

/** Pure and immediate: it reads addresses, it asks nobody. `message` names the fix and goes to the miner. */
export type Authorise = (
  request: AuthoriseRequest
) => { readonly ok: true; readonly identity: MinerIdentity } | { readonly ok: false; readonly message: string }

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
  /** u32: the version bits a miner may roll (BIP 310, BIP 320: 0x1fffe000). */
  readonly versionMask: number
  readonly vardiff: VardiffOptions
  readonly startProfiles: readonly StartProfile[]
}

export interface SessionOptions extends SessionSettings {
  /** 4 bytes, unique among live connections. */
  readonly extranonce1: Uint8Array
  readonly connectedAtMs: UnixMs
  /** Where the miner connects from; kept for whoever lists sessions. */
  readonly remote: string
}

export interface SessionDeps {
  readonly authorise: Authorise
  /** For long coinbases; the portable one when absent. */
  readonly sha256d?: Sha256d
  /** The difficulty this worker had when last seen, or null. Asked once, before the first work. */
  readonly lastDifficulty?: (identity: MinerIdentity) => number | null
}

export type SessionEvent<W extends Work = Work> =
  /** All complete lines of one read, without their ends; handled strictly in order. */
  | { readonly type: 'lines'; readonly lines: readonly Uint8Array[] }
  /** New work for this miner: the answer to `wantWork`, a renewal or a new block. `job.id` is new. */
  | {
      readonly type: 'work'
      readonly job: Job<W>
      readonly notify: NotifyParts
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

/** Stratum error codes; the texts are in `messages.ts`. */
export type RejectCode = 20 | 21 | 22 | 23 | 24 | 25

/**
 * Effects of one event come in this order: solutions, the text, facts (`authorised`, `accepted`, `rejected`),
 * `wantWork`, `close`. After `close` a session stays silent.
 */
export type SessionEffect<W extends Work = Work> =
  /** Meets the bitcoin target, the share target or both, whatever the miner is told. Once per header. */
  | {
      readonly type: 'solution'
      readonly solution: Solution<W>
      /** What its job was sent with. */
      readonly difficulty: number
      readonly worker: string
    }
  /** One or more complete lines with LF, ASCII, to be written at once. */
  | { readonly type: 'send'; readonly text: string }
  /**
   * A worker name of this connection, the first or a further one of the same payee. Comes once the connection has
   * subscribed as well, always before its first `wantWork`.
   */
  | { readonly type: 'authorised'; readonly identity: MinerIdentity; readonly userAgent: string }
  /** `creditedDifficulty` was checked against the hash; `hashDifficulty` is what the hash reached. */
  | {
      readonly type: 'accepted'
      readonly creditedDifficulty: number
      readonly hashDifficulty: number
      readonly worker: string
    }
  | { readonly type: 'rejected'; readonly code: RejectCode; readonly reason: string; readonly worker: string }
  /** Answer with a `work` event, now or when there is work. */
  | { readonly type: 'wantWork' }
  /** Write what was sent, then close. */
  | { readonly type: 'close'; readonly reason: CloseReason }
