import type { ScarceRoom } from '@p2poolv2/bitcoin'
import type { GossipFact, SyncState } from '@p2poolv2/gossip'
import type { NodeFact, NodeQueries } from '@p2poolv2/node'
import { type Clock, type Log, MESSAGES, type Message, type Metrics } from '@p2poolv2/runtime'
import { BlockLines } from './block-lines.ts'
import { FactLog, fieldsOf, safe } from './fact-log.ts'
import { type EarlierBest, NOTHING_KEPT, refreshMetrics } from './live-metrics.ts'
import { declareMetrics, type NodeMetrics } from './node-metrics.ts'

export interface TelemetryOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  /** Not on a test network or a development chain. */
  readonly areCoinsReal: boolean
  /** Bitcoin blocks of the pool from before this start; default 0. */
  readonly blocksOnRecord?: number
}

const STATE_SENTENCE: Readonly<Record<SyncState, string>> = {
  alone: 'no peer is connected: mining goes on alone',
  syncing: 'shares of others are being fetched: mining goes on meanwhile',
  current: 'the share chain is current'
}

/** bitcoind has no setting for the signature checks it sets aside. */
const MORE_ROOM = {
  weight: MESSAGES.coinbaseWeight,
  sigops: MESSAGES.coinbaseSigops
} as const satisfies Readonly<Record<ScarceRoom, Message>>

const BITCOIND_AMISS = {
  unreachable: MESSAGES.bitcoinUnreachable,
  misconfigured: MESSAGES.bitcoinMisconfigured,
  ready: MESSAGES.bitcoinAmiss
} as const

interface Turn {
  readonly submits: number
  readonly renewals: number
  readonly sec: number
}

/**
 * Facts become metrics and log lines here and nowhere else. What the reference measures has its name, so that its dashboards
 * work as they are; the rest begins with `p2pool_`. Difficulties are relative to bitcoin's difficulty 1, and series
 * named `…_shares_valid_total` count expected hashes.
 */
export class Telemetry {
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #facts: FactLog
  readonly #blocks: BlockLines
  readonly #m: NodeMetrics
  /** Set once the current jobs are known to be blocks only, so that it is said when it begins and when it ends. */
  #ineligible = false

  constructor(options: TelemetryOptions) {
    this.#log = options.log
    this.#metrics = options.metrics
    this.#clock = options.clock
    this.#facts = new FactLog(options.log, options.clock)
    this.#blocks = new BlockLines({ log: options.log, facts: this.#facts, areCoinsReal: options.areCoinsReal })
    this.#m = declareMetrics(options.metrics)
    this.#m.poolBlocks.inc(options.blocksOnRecord ?? 0)
    this.#m.startTime.set(Math.floor(options.clock.now().wallMs / 1000))
  }

  /** How long a turn took, with all it asked for handed to the sockets, in which so many submits were answered and works made anew. */
  took({ submits, renewals, sec }: Turn): void {
    for (let submit = 0; submit < submits; submit++) this.#m.submitTime.observe(sec)
    if (renewals > 0) this.#m.broadcastTime.observe(sec)
  }

  /** A call of a bitcoin node ended. @param failed with which code, or null */
  called(method: string, sec: number, failed: string | null): void {
    this.#m.rpcTime.observe({ method }, sec)
    if (failed !== null) this.#m.rpcErrors.inc({ code: failed })
  }

  /** Notices of new blocks got lost between a bitcoin node and us. */
  missedNotices(count: number): void {
    this.#m.zmqMissed.inc(count)
  }

  record(fact: NodeFact): void {
    this.#count(fact)
    this.#write(fact)
  }

  /** The metrics page, with everything that is read off the node at the time of asking. */
  exposition(queries: NodeQueries, commitQueueLength: number, kept: EarlierBest = NOTHING_KEPT): Promise<string> {
    this.#m.commitQueue.set(commitQueueLength)
    refreshMetrics(this.#m, queries, { now: this.#clock.now(), kept })
    return this.#metrics.exposition()
  }

  #count(fact: NodeFact): void {
    const m = this.#m
    switch (fact.type) {
      case 'shareAccepted':
        m.sharesAccepted.inc()
        m.acceptedDifficulty.inc(fact.creditedDifficulty)
        return
      case 'shareRejected':
        m.sharesRejected.inc()
        m.rejects.inc({ code: String(fact.code) })
        return
      case 'shareFound':
        m.ownSharesFound.inc()
        return
      case 'shareLost':
        m.ownSharesLost.inc({ code: fact.code })
        return
      case 'bodyLost':
        m.bodiesLost.inc()
        return
      case 'shareConfirmed':
        m.sharesConfirmed.inc()
        return
      case 'reorg':
        m.reorgs.inc()
        return
      case 'shareHeld':
        m.ownSharesHeld.inc({ code: fact.code })
        return
      case 'peerPenalised':
        m.penalties.inc({ code: fact.code })
        m.penaltyPoints.inc(fact.points)
        return
      case 'peerDropped':
        m.peersDropped.inc()
        return
      case 'gossip':
        this.#countGossip(fact.fact)
        return
      case 'blockFound':
        m.blocksFound.inc()
        m.poolBlocks.inc()
        return
      case 'blockResult':
        m.blockResults.inc({ result: fact.result })
        return
      case 'jobsRenewed':
        m.jobsRenewed.inc({ cause: fact.cause })
        return
      case 'minerRefused':
        m.minersRefused.inc()
        return
      case 'bug':
        m.bugs.inc()
        return
      case 'templateTaken':
        m.networkDifficulty.set(fact.bitcoinDifficulty)
        m.coinbaseTotal.set(Number(fact.coinbaseValueSats))
        return
      default:
    }
  }

  #countGossip(fact: GossipFact): void {
    const m = this.#m
    switch (fact.type) {
      case 'shareRelayed':
        m.relays.inc()
        m.pushes.inc(fact.pushes)
        return
      case 'shareRefused':
        m.peerSharesRefused.inc({ code: fact.code })
        return
      case 'headersTaken':
        m.headers.inc(fact.headers)
        return
      case 'headersFailed':
        m.headersFailed.inc({ reason: fact.reason })
        return
      case 'blockSeen':
        m.blocksSeen.inc()
        m.poolBlocks.inc()
        return
      case 'blockRebuilt':
        m.blocksRebuilt.inc({ source: fact.source })
        return
      case 'blockNotRebuilt':
        m.blocksNotRebuilt.inc()
        return
      case 'templateTaken':
        m.peerTemplates.inc()
        return
      default:
    }
  }

  #write(fact: NodeFact): void {
    switch (fact.type) {
      case 'minerConnected':
      case 'minerGone':
      case 'shareAccepted':
      case 'shareRejected':
      case 'shareLost':
      case 'shareConfirmed':
      case 'templateTaken':
      case 'peerConnected':
      case 'peerGone':
      case 'committed':
        // A fact a share: what nobody reads is not put into words.
        if (this.#log.isLevelEnabled('debug')) this.#log.debug(fieldsOf(fact), `node: ${fact.type}`)
        break
      case 'minerAuthorised':
        this.#facts.info(fact, 'a miner is at work')
        break
      case 'minerRefused':
        this.#facts.warn(fact, MESSAGES.minerRefused)
        break
      case 'minerWarned':
        this.#facts.warn(fact, MESSAGES.minerWarned)
        break
      case 'shareFound':
        this.#facts.info(fact, 'one of our miners made a share')
        break
      case 'shareHeld':
        this.#facts.warn(fact, MESSAGES.shareHeld)
        break
      case 'peerPenalised':
        this.#facts.info(fact, 'a peer broke a rule')
        break
      case 'peerDropped':
        this.#facts.info(fact, 'a peer was dropped')
        break
      case 'gossip':
        this.#writeGossip(fact.fact)
        break
      case 'blockUnanswered':
        this.#log.warn(MESSAGES.blockUnanswered, fieldsOf(fact))
        break
      case 'reorg':
        this.#facts.info(fact, 'the confirmed share chain was re-organised')
        break
      case 'jobsRenewed':
        this.#jobsRenewed(fact)
        break
      case 'clocksDiffer':
        this.#facts.warn(fact, MESSAGES.clocksDiffer)
        break
      case 'sharesAhead':
        this.#facts.warn(fact, MESSAGES.sharesAhead)
        break
      case 'workUnavailable':
        this.#facts.warn(fact, MESSAGES.noWork)
        break
      case 'coinbaseTooHeavy':
        this.#facts.warn(fact, MORE_ROOM[fact.scarce])
        break
      case 'bitcoindStatus': {
        const { state, message } = fact.status
        const fields = safe({ ...fact.status })
        if (state === 'unreachable' || state === 'misconfigured' || (state === 'ready' && message !== null))
          this.#log.warn(BITCOIND_AMISS[state], fields)
        else this.#log.info(fields, 'the state of a bitcoin node changed')
        break
      }
      case 'resumed':
        this.#log.info(fieldsOf(fact), 'shares left unchecked by the last run were checked')
        break
      case 'storeBehind':
        this.#facts.warn(fact, MESSAGES.storeBehind)
        break
      case 'storeCaughtUp':
        this.#facts.info(fact, 'the disk has caught up')
        break
      case 'bodyLost':
        this.#facts.warn(fact, MESSAGES.bodyLost)
        break
      case 'blockFound':
        this.#blocks.found(fact)
        break
      case 'blockResult':
        this.#blocks.answered(fact)
        break
      case 'blockFate':
        this.#blocks.fate(fact)
        break
      case 'storeFailed':
        this.#log.error(MESSAGES.storeFailed, fieldsOf(fact))
        break
      case 'bug':
        this.#log.error(MESSAGES.bug, { code: fact.code, detail: fact.detail })
        break
      default:
        fact satisfies never
    }
  }

  #writeGossip(fact: GossipFact): void {
    switch (fact.type) {
      case 'shareRelayed':
      case 'shareRefused':
      case 'headersTaken':
      case 'headersFailed':
      case 'templateTaken':
        this.#log.debug(fieldsOf(fact), `gossip: ${fact.type}`)
        break
      case 'rulesDiffer':
        this.#facts.warn(fact, MESSAGES.rulesDiffer)
        break
      case 'headersAhead':
        this.#facts.warn(fact, MESSAGES.headersAhead)
        break
      case 'blockSeen':
        this.#facts.info(fact, 'another node of the pool found a bitcoin block')
        break
      case 'blockRebuilt':
        this.#blocks.rebuilt(fact.blockHash)
        this.#facts.info(fact, 'that block was put together here, to be submitted to our bitcoin nodes as well')
        break
      case 'blockNotRebuilt':
        this.#facts.info(fact, 'that block could not be put together here: its finder submits it')
        break
      case 'statusChanged':
        this.#facts.info(fact, STATE_SENTENCE[fact.state])
        break
      default:
        fact satisfies never
    }
  }

  #jobsRenewed(fact: Extract<NodeFact, { type: 'jobsRenewed' }>): void {
    const fields = fieldsOf(fact)
    const ineligible = fact.ineligible !== null
    if (ineligible === this.#ineligible) this.#log.debug(fields, 'node: jobsRenewed')
    else if (ineligible) this.#log.warn(MESSAGES.blocksOnly, fields)
    else this.#log.info(fields, 'jobs can become shares again')
    this.#ineligible = ineligible
  }
}
