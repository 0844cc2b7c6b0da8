import type { BlockTemplate, ScarceRoom } from '@p2poolv2/bitcoin'
import type { ArchivedHeight } from '@p2poolv2/consensus'
import type { Dialect, GossipFact, PeerEffect, PeerEvent, PeerId } from '@p2poolv2/gossip'
import type { BlockHash, ShareHash } from '@p2poolv2/primitives'
import type { ChainDelta } from '@p2poolv2/sharechain'
import type { SessionOutput } from '@p2poolv2/stratum'
import type { FiguresDelta } from './figures/pool-stats.ts'
import type { AccountingDelta } from './pplns/accounting.ts'

/**
 * The contract of the node machine: what it is told (`NodeEvent`), what it asks for (`NodeEffect`) and what it has to
 * say about itself (`NodeFact`). All are plain objects with a literal `type`; nothing here has behaviour.
 */

/** A connection number given by the shell, never used again after `minerGone`. */
export type MinerId = number

/** What the configured bitcoin nodes look like now, in order of preference. `url` carries no credentials. */
export interface BitcoindStatus {
  readonly url: string
  readonly state: 'starting' | 'ready' | 'syncing' | 'unreachable' | 'misconfigured'
  readonly bitcoinHeight: number | null
  /** What the operator should do, when there is something to do. */
  readonly message: string | null
}

/** Whose read of the store it is: the share chain's own, or the gossip machine's to answer a peer. */
export type StoreReader = 'chain' | 'peers'

/**
 * `lost-race`: the node keeps it beside another block that was there first. `failed`: no answer could be had in time. `superseded`: not handed over, since another block of ours with the same parent
 * was there before it, or came after it while bitcoind was busy.
 */
export type BlockSubmitResult = 'accepted' | 'duplicate' | 'lost-race' | 'rejected' | 'failed' | 'superseded'

export type NodeEvent =
  /** What the network tells. */
  | PeerEvent
  /**
   * `startDifficulty`: of the door it came in by; it starts no lower. `channel`: its number on its connection, where that carries more
   * than one miner; it is closed like a connection, without the others.
   */
  | {
      readonly type: 'minerConnected'
      readonly miner: MinerId
      readonly remote: string
      readonly startDifficulty?: number
      readonly channel?: number
    }
  /** Whole messages of its protocol, lines or frames. */
  | { readonly type: 'minerLines'; readonly miner: MinerId; readonly lines: readonly Uint8Array[] }
  | { readonly type: 'minerGone'; readonly miner: MinerId }
  /** A checked template; `source` is the bitcoin node's url without credentials. */
  | { readonly type: 'template'; readonly template: BlockTemplate; readonly source: string }
  | { readonly type: 'bitcoind'; readonly nodes: readonly BitcoindStatus[] }
  /** One bitcoin node's answer to one submitted block; several may come per block. */
  | {
      readonly type: 'blockResult'
      readonly blockHash: BlockHash
      readonly url: string
      readonly result: BlockSubmitResult
      readonly reason: string | null
    }
  /** A block from before this start that some bitcoin node has not answered to, from where the shell keeps found blocks. */
  | {
      readonly type: 'blockKept'
      readonly blockHash: BlockHash
      readonly bitcoinHeight: number
      readonly blockHex: string
    }
  /** Where a block on record stands in bitcoin's chain now; told until it is a hundred blocks deep. -1: another has its height. */
  | { readonly type: 'blockFate'; readonly blockHash: BlockHash; readonly confirmations: number }
  /** All deltas up to this one are written. */
  | { readonly type: 'committed'; readonly sequence: number }
  /** The disk is far behind what it was given (see `CommitBacklog`): nothing more that makes the chain grow, please. */
  | { readonly type: 'storeBehind' }
  | { readonly type: 'storeCaughtUp' }
  | { readonly type: 'storeFailed'; readonly message: string }
  /** The answer to `readShares`, in the order asked; null where the store holds nothing. */
  | {
      readonly type: 'sharesRead'
      readonly for: StoreReader
      readonly requestId: number
      readonly hashes: readonly ShareHash[]
      readonly shares: readonly (Uint8Array | null)[]
    }
  /** The answer to `readHeaders`: header batches of one header each, in the order asked, null where nothing is stored. */
  | {
      readonly type: 'headersRead'
      readonly for: StoreReader
      readonly requestId: number
      readonly batches: readonly (Uint8Array | null)[]
    }
  /** The answer to `readArchive`. */
  | { readonly type: 'archiveRead'; readonly requestId: number; readonly heights: readonly ArchivedHeight[] }
  /** The time named by `nextDeadlineMs` has come. */
  | { readonly type: 'deadline' }
  /** `shutdown` will follow: miners are told to look for another node, and served on until then. */
  | { readonly type: 'drain' }
  | { readonly type: 'shutdown' }

export type NodeEffect =
  /**
   * Bitcoin first: hand this block, of one of our miners or put together from a peer's share, to every bitcoin node at
   * once, and keep it on disk until each has answered. `blockHex` is the `submitblock` argument.
   */
  | {
      readonly type: 'submitBlock'
      readonly blockHash: BlockHash
      readonly bitcoinHeight: number
      readonly blockHex: string
    }
  /**
   * A share made here, in its encoding, to be kept beside the store before its miner is told: until the delta `untilSequence` is written.
   * Null while it waits in memory; then it is given once more with a number, or let go of, or stays for as long as the node runs.
   */
  | {
      readonly type: 'keepShare'
      readonly shareHash: ShareHash
      readonly encoded: Uint8Array
      readonly untilSequence: number | null
    }
  /** One that waited has come to nothing. */
  | { readonly type: 'letGoOfShare'; readonly shareHash: ShareHash }
  /** A shell without a network answers every `request` with `requestFailed` and ignores the rest. */
  | PeerEffect
  /** Whole messages of the miner's protocol, to be written as one write. */
  | { readonly type: 'sendMiner'; readonly miner: MinerId; readonly output: SessionOutput }
  /** What the pool's own accounting has to keep, in order; several may be written as one. */
  | { readonly type: 'keepAccounting'; readonly delta: AccountingDelta }
  /** Figures of workers and node to be kept over restarts, in order; several may be written as one. */
  | { readonly type: 'keepFigures'; readonly delta: FiguresDelta }
  /** Flush what was sent, then close. The session is already forgotten; `minerGone` may or may not follow. */
  | { readonly type: 'closeMiner'; readonly miner: MinerId; readonly reason: string }
  /**
   * Encoded shares from the store. Each reader counts its own reads, of both kinds together. What is asked for may be on its
   * way to disk: the read begins when the delta `afterSequence` is written.
   */
  | {
      readonly type: 'readShares'
      readonly for: StoreReader
      readonly requestId: number
      readonly afterSequence: number
      readonly hashes: readonly ShareHash[]
    }
  /** Headers with their branches from the store. */
  | {
      readonly type: 'readHeaders'
      readonly for: StoreReader
      readonly requestId: number
      readonly afterSequence: number
      readonly hashes: readonly ShareHash[]
    }
  /** What the archive holds for a peer with this locator; see `ShareStore.readArchive`. */
  | {
      readonly type: 'readArchive'
      readonly requestId: number
      readonly afterSequence: number
      readonly locator: readonly ShareHash[]
      readonly limit: number
    }
  /** One atomic batch. Deltas are committed strictly in the order they are given. */
  | { readonly type: 'commit'; readonly delta: ChainDelta }
  | { readonly type: 'report'; readonly fact: NodeFact }
  /** The last effect the machine ever gives. Finish the commits already given, then end. */
  | { readonly type: 'stop'; readonly reason: StopReason }

/** `shutdown`: asked for. `storeFailed`: the disk refuses. `bug`: an invariant broke; memory is not to be trusted. */
export interface StopReason {
  readonly code: 'shutdown' | 'storeFailed' | 'bug'
  readonly message: string
}

/** The order of effects of one event: bitcoin, peers, what miners are told to be kept, miners, disk, reports, end. Equal ranks keep their order. */
export const EFFECT_RANK: Readonly<Record<NodeEffect['type'], number>> = {
  submitBlock: 0,
  publish: 1,
  verdict: 1,
  request: 1,
  respond: 1,
  penalise: 1,
  otherRules: 1,
  dropPeer: 1,
  keepShare: 2,
  letGoOfShare: 2,
  keepAccounting: 2,
  sendMiner: 3,
  closeMiner: 3,
  commit: 4,
  keepFigures: 4,
  readShares: 5,
  readHeaders: 5,
  readArchive: 5,
  report: 6,
  stop: 7
}

/**
 * Whom the node's blocks pay. `sharechain`: the share chain's payout window. `solo`: whoever finds one. `hydrapool`: whoever did the
 * newest work here, by an accounting of the node's own. Only the first has peers.
 */
export type NodeMode = 'sharechain' | 'solo' | 'hydrapool'

/** Why current jobs can be bitcoin blocks but not shares. */
export type IneligibleReason =
  | 'clock-behind-chain'
  | 'window-unavailable'
  | 'too-many-payees'
  | 'chain-too-light'
  | 'other-rules'
  | 'joining'

/** What to do with a miner whose firmware cannot take the share chain's coinbase: bitcoin blocks alone, nothing, or all of it. */
export type TooLargeRule = 'solo' | 'refuse' | 'send'

/** What is amiss with a miner that works all the same. */
export type MinerWarningCode =
  | 'difficulty-too-high'
  | 'difficulty-not-granted'
  | 'coinbase-near-limit'
  | 'coinbase-too-large'

/** Why jobs were made anew. */
export type RenewCause = 'firstTemplate' | 'newBlock' | 'template' | 'base' | 'interval'

/** What happened, for metrics, log and live views. `worker` is what the miner called itself: unchecked text. */
export type NodeFact =
  | { readonly type: 'minerConnected'; readonly miner: MinerId; readonly remote: string }
  | {
      readonly type: 'minerAuthorised'
      readonly miner: MinerId
      readonly payoutAddress: string
      readonly worker: string
      readonly userAgent: string
    }
  /** `message` names the fix and went to the miner as well. */
  | { readonly type: 'minerRefused'; readonly miner: MinerId; readonly message: string }
  /** A miner works, but not as its owner thinks. Once of each code and connection; `message` has the numbers and the fix. */
  | {
      readonly type: 'minerWarned'
      readonly miner: MinerId
      readonly payoutAddress: string
      readonly worker: string
      readonly userAgent: string
      readonly code: MinerWarningCode
      readonly message: string
    }
  | { readonly type: 'minerGone'; readonly miner: MinerId; readonly reason: string }
  /** A stratum share: difficulties relative to bitcoin's difficulty 1. */
  | {
      readonly type: 'shareAccepted'
      readonly miner: MinerId
      readonly payoutAddress: string
      readonly worker: string
      readonly creditedDifficulty: number
      readonly hashDifficulty: number
    }
  | {
      readonly type: 'shareRejected'
      readonly miner: MinerId
      readonly worker: string
      readonly code: number
      readonly reason: string
    }
  /** One of our miners made a share of the share chain. */
  | {
      readonly type: 'shareFound'
      readonly shareHash: ShareHash
      readonly height: number
      readonly payoutAddress: string
      readonly worker: string
    }
  /**
   * A solution that was good enough for a share, but the share chain has no place for it any more: its code for the
   * refusal, `base-gone` when what it builds on is no longer held, `disk-too-slow` when too many waited for the disk.
   */
  | { readonly type: 'shareLost'; readonly shareHash: ShareHash; readonly code: string }
  /** The disk is behind: shares of ours wait in memory, and peers get short answers. Blocks go to bitcoin as ever. */
  | { readonly type: 'storeBehind' }
  /** The disk has caught up; `shares` of ours that waited are added now. */
  | { readonly type: 'storeCaughtUp'; readonly shares: number }
  /** A stored body is not there or cannot be read; it is fetched from peers again. */
  | { readonly type: 'bodyLost'; readonly shareHash: ShareHash; readonly height: number }
  /** A share of ours is in the share chain and does not count yet; it is tried again by itself. */
  | { readonly type: 'shareHeld'; readonly shareHash: ShareHash; readonly code: string }
  | { readonly type: 'shareConfirmed'; readonly shareHash: ShareHash; readonly height: number }
  | { readonly type: 'reorg'; readonly unconfirmed: number; readonly confirmed: number; readonly tip: ShareHash }
  | {
      readonly type: 'blockFound'
      /** How many of ours on the same parent came before it: one of them at most can be in the chain. */
      readonly siblingsBefore: number
      readonly blockHash: BlockHash
      readonly bitcoinHeight: number
      readonly timeSec: number
      readonly valueSats: bigint
      readonly payees: number
      /** Of `valueSats`, what it pays whoever found it. */
      readonly finderSats: bigint
      /** Of `valueSats`, what goes to the key of the genesis share, which nobody has. */
      readonly lostSats: bigint
      readonly shareHash: ShareHash | null
      readonly payoutAddress: string
      readonly worker: string
    }
  | {
      readonly type: 'blockResult'
      readonly blockHash: BlockHash
      readonly url: string
      readonly result: BlockSubmitResult
      readonly reason: string | null
    }
  /**
   * What became of a block on record has changed. `in-chain`: it is in bitcoin's best chain. `orphaned`: it was, and another block has its
   * height now. `lost-race`: another was there first. `mature`: its outputs may be spent.
   */
  | {
      readonly type: 'blockFate'
      readonly blockHash: BlockHash
      readonly bitcoinHeight: number
      readonly fate: 'in-chain' | 'mature' | 'orphaned' | 'lost-race'
    }
  /** A block submitted before the last stop has no answer of a bitcoin node on record. */
  | { readonly type: 'blockUnanswered'; readonly blockHash: BlockHash; readonly bitcoinHeight: number }
  | {
      readonly type: 'templateTaken'
      readonly source: string
      readonly bitcoinHeight: number
      readonly coinbaseValueSats: bigint
      readonly bitcoinDifficulty: number
      readonly transactions: number
    }
  /** `ineligible` null: the jobs can become shares. */
  | {
      readonly type: 'jobsRenewed'
      readonly cause: RenewCause
      readonly miners: number
      readonly ineligible: IneligibleReason | null
    }
  /** Our clock is minutes ahead of bitcoind's, or behind it where that is negative. Once until they agree again. */
  | { readonly type: 'clocksDiffer'; readonly differenceSec: number }
  /** Our clock was ahead and was set right: so many shares wait until their time has come, and the chain goes on from `height`. */
  | { readonly type: 'sharesAhead'; readonly shares: number; readonly height: number }
  /** No job can be made although there is a template; miners wait. */
  | { readonly type: 'workUnavailable'; readonly reason: IneligibleReason }
  /**
   * The payouts need more room in a block than bitcoind reserved, in weight or in signature checks.
   * `droppedTransactions` were left out of the jobs to make room; null when that was not possible, and then a found block
   * would be invalid.
   */
  | {
      readonly type: 'coinbaseTooHeavy'
      readonly droppedTransactions: number | null
      readonly payees: number
      readonly scarce: ScarceRoom
    }
  | { readonly type: 'bitcoindStatus'; readonly status: BitcoindStatus }
  /** Shares stored but not validated before the last stop have been looked at again. */
  | { readonly type: 'resumed'; readonly validated: number }
  | {
      readonly type: 'peerConnected'
      readonly peer: PeerId
      readonly direction: 'inbound' | 'outbound'
      readonly dialect: Dialect
    }
  | { readonly type: 'peerGone'; readonly peer: PeerId }
  | { readonly type: 'peerPenalised'; readonly peer: PeerId; readonly points: number; readonly code: string }
  | { readonly type: 'peerDropped'; readonly peer: PeerId; readonly reason: string }
  /** What the gossip machine has to say. */
  | { readonly type: 'gossip'; readonly fact: GossipFact }
  | { readonly type: 'committed'; readonly sequence: number }
  | { readonly type: 'storeFailed'; readonly message: string }
  /** Ours to mend. `code` is kebab-case; `detail` says what was at hand. */
  | { readonly type: 'bug'; readonly code: string; readonly detail: string }
