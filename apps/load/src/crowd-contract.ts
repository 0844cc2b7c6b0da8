import type { PlainLatencies } from './latencies.ts'

/**
 * How a miner rolls. 'one': many shares under one extranonce2, as chips do whose difficulty is far too low, and processors. 'each': a new
 * one for each share, as chips do that find few.
 */
export type Roots = 'one' | 'each'

export type V2ChannelKind = 'standard' | 'extended'

/** How miners speak Stratum V2. */
export interface V2Settings {
  /** Of the server's authority, as it says it; null: whoever answers is believed. */
  readonly authorityKey: string | null
  readonly channel: V2ChannelKind
}

/** What a process of miners is made with. */
export interface CrowdSettings {
  readonly host: string
  readonly port: number
  readonly miners: number
  /** The number of the first one, since no two miners of a run have the same. */
  readonly firstMiner: number
  /** What a miner says its name is, up to its number. */
  readonly userPrefix: string
  readonly password: string
  readonly userAgent: string
  readonly roots: Roots
  /** Absent: they speak Stratum V1. */
  readonly v2?: V2Settings
  /** Connections being made or logged in at a time. */
  readonly connectAtOnce: number
}

export type ToCrowd =
  | { readonly type: 'connect' }
  /**
   * Work until told to rest. `sharesPerSec` of this process together; null: each miner finds its next share when the last one is
   * answered. `quota`: or until each has so many answered.
   */
  | { readonly type: 'work'; readonly sharesPerSec: number | null; readonly quota: number | null }
  /** No further submits; what is under way is waited for, this long. */
  | { readonly type: 'rest'; readonly waitMs: number }
  /** Counts begin anew. */
  | { readonly type: 'count' }
  | { readonly type: 'tally' }

export type FromCrowd =
  /** Every connection has its first job or has failed. Monotonic milliseconds of the computer. */
  | { readonly type: 'connected'; readonly startedAtMs: number; readonly endedAtMs: number; readonly working: number }
  /** Nothing is under way, or it was waited for long enough. */
  | { readonly type: 'rested' }
  | { readonly type: 'counting' }
  | { readonly type: 'tally'; readonly tally: Tally }

/** What one process, or all of them, have seen since counting began. */
export interface Tally {
  readonly sent: number
  readonly accepted: number
  /** By what the server said. */
  readonly rejected: Readonly<Record<string, number>>
  /** Sent, and no answer yet. */
  readonly unanswered: number
  /** Answers to nothing that was asked. */
  readonly unmatched: number
  /** Connections that ended, by why. */
  readonly lost: Readonly<Record<string, number>>
  readonly latencies: PlainLatencies
  readonly hashes: number
  /** By and for the connections that are there still. What was read has jobs in it, not answers alone. */
  readonly writtenBytes: number
  readonly readBytes: number
  /** Part of the time in which the process was not waiting, 0 to 1. */
  readonly busy: number
  /** Part of the time in which it hashed. */
  readonly hashing: number
  readonly blocks: readonly BlockSeen[]
}

/** When miners heard of one new block. Monotonic milliseconds of the computer, in the order in which they were read. */
export interface BlockSeen {
  /** As in the notify: which block the jobs build on. */
  readonly prevHash: string
  /** The first job on it, whatever is in it. */
  readonly anyJobAtMs: Float64Array
  /** The first with transactions; empty when no job had any. */
  readonly fullJobAtMs: Float64Array
  /** The last of these times is later than the line's arrival by no more than this. */
  readonly lagMs: number
}
