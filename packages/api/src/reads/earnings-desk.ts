import { decodeHeaderBatch, type WindowSource } from '@p2poolv2/consensus'
import {
  type Earnings,
  type EarningsInput,
  earningsOf,
  type LongRun,
  type MeasuredHashrate,
  measuredHashrate,
  type WindowView,
  whatIf,
  windowView,
  workSince
} from '@p2poolv2/earnings'
import type { WorkTemplate } from '@p2poolv2/node'
import { type Moment, type ShareHash, secFromMs, workFromBits } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { STANDALONE_SENTENCES } from '../status-answer.ts'
import { type Household, RATE_WINDOW_SEC } from './household.ts'
import type { NodeReads } from './node-reads.ts'

/** Views of the payout window that are kept until the share chain moves on: one for each set of addresses asked for of late. */
const MAX_VIEWS = 8
/** Shares walked at most to sum up work: a full window, and some 20 ms. */
const MAX_WALKED = 120_960
/** Blocks looked at for the newest one of the pool. */
const BLOCKS_READ = 1

export type { WindowSource }

/** The window as the owner of some addresses sees it. */
export interface WindowLook {
  readonly work: WorkTemplate
  readonly base: ShareHash
  readonly view: WindowView
}

/** One moment of the node, worked out. */
export interface EarningsLook extends WindowLook {
  readonly earnings: Earnings
  readonly whatIf: LongRun | null
}

export interface NothingToSay {
  readonly message: string
}

/** Puts together what the earnings are worked out from. */
export class EarningsDesk {
  readonly #reads: NodeReads
  readonly #household: Household
  #views = new Map<string, WindowView | null>()
  #viewsOf = ''

  constructor(reads: NodeReads, household: Household) {
    this.#reads = reads
    this.#household = household
  }

  get params(): NodeReads['params'] {
    return this.#reads.params
  }

  /** Only a message without a share chain, until there is work, and while the window reaches below what is in memory. */
  window(ours: ReadonlySet<string>): WindowLook | NothingToSay {
    const { queries, params } = this.#reads
    if (queries.mode !== 'sharechain') return { message: STANDALONE_SENTENCES[queries.mode] }
    const work = queries.offered()
    if (work === null) return { message: NO_WORK }
    const { hash: base } = queries.shares.miningBase()
    const bitcoinBits = work.mining.bits
    const shareBits = this.#shareBits(work)
    const view = this.#viewFor(`${base} ${bitcoinBits} ${shareBits}`, ours, () => {
      const { source, anchorSlot } = queries.shares.walkFrom(base)
      return windowView(params, source, { anchorSlot, bitcoinBits, shareBits, ours })
    })
    return view === null ? { message: WINDOW_TOO_DEEP } : { work, base, view }
  }

  /**
   * @param addresses of whom; null: of all miners of this node
   * @param wantedHps the hash rate for `whatIf`, or null
   */
  async look(
    addresses: ReadonlySet<string> | null,
    wantedHps: number | null,
    now: Moment
  ): Promise<EarningsLook | NothingToSay> {
    const ours = addresses ?? this.#household.addresses()
    const ownHashrate = await this.#household.hashrate(addresses, now)
    const feeRateSatPerVb = await this.#reads.bitcoin.feeRateSatPerVb()
    const [newestBlock] = await this.#reads.readBlocks(BLOCKS_READ)
    const newestBlockWork = newestBlock === undefined ? 0 : await this.#workOf(newestBlock)
    // Nothing waits from here on: what is read belongs to one moment.
    const look = this.window(ours)
    if ('message' in look) return look
    const { work, view, base } = look
    const nowSec = secFromMs(now.wallMs)
    const shareBits = this.#shareBits(work)
    const since = (sec: number): number =>
      workSince(this.#reads.queries.shares.walkFrom(base).source, {
        anchorSlot: this.#reads.queries.shares.walkFrom(base).anchorSlot,
        sinceSec: sec,
        limit: MAX_WALKED
      }).finds.workHashes
    const blockSinceSec = newestBlock?.timeSec ?? this.#reads.startedAtSec
    const shareSinceSec = view.newest?.timeSec ?? this.#reads.startedAtSec
    const shareSpellSec = Math.max(0, nowSec - shareSinceSec)
    // Nobody mined here while the node was stopped.
    const minedSec = Math.min(shareSpellSec, Math.max(0, nowSec - this.#reads.startedAtSec))
    const input: EarningsInput = {
      params: this.#reads.params,
      ours,
      view,
      payout: {
        valueSats: work.template.coinbaseValueSats,
        donation: this.#reads.donation,
        fee: this.#reads.fee,
        weights: work.weights
      },
      shareBits,
      bitcoinBits: work.mining.bits,
      poolHashrate: this.poolHashrate(now),
      ownHashrate,
      blockSpell: {
        sec: Math.max(0, nowSec - blockSinceSec),
        // Where bitcoin has become easier meanwhile, most of the work was done at the difficulty before: no reason to look for a fault.
        expected: since(blockSinceSec) / Math.max(newestBlockWork, Number(workFromBits(work.mining.bits))),
        since: newestBlock === undefined ? 'start' : 'find'
      },
      shareSpell: {
        sec: shareSpellSec,
        expected: (ownHashrate.hps * minedSec) / Number(workFromBits(shareBits)),
        since: view.newest === null ? 'start' : 'find'
      },
      feeRateSatPerVb
    }
    return { ...look, earnings: earningsOf(input), whatIf: wantedHps === null ? null : whatIf(input, wantedHps) }
  }

  /** Of the whole pool over up to an hour, read off the share chain. */
  poolHashrate(now: Moment): MeasuredHashrate {
    const { shares } = this.#reads.queries
    const nowSec = secFromMs(now.wallMs)
    const { source, anchorSlot } = shares.walkFrom(shares.miningBase().hash)
    const { finds, fromSec } = workSince(source, {
      anchorSlot,
      sinceSec: nowSec - RATE_WINDOW_SEC,
      limit: MAX_WALKED
    })
    return measuredHashrate([finds], Math.max(1, nowSec - fromSec))
  }

  /** Hashes that a block took when this one was found; 0 where its share is not known. */
  async #workOf({ shareHash }: FoundBlock): Promise<number> {
    const [record] = shareHash === null ? [] : await this.#reads.readHeaders([shareHash])
    const item = record == null ? undefined : decodeHeaderBatch(record.batch)[0]
    return item === undefined ? 0 : Number(workFromBits(item.header.bitcoinHeader.bits))
  }

  /** Of the next share; work that cannot become one has the bits its share would have. */
  #shareBits(work: WorkTemplate): number {
    const { shares } = this.#reads.queries
    return work.share?.bits ?? shares.miningBase().bits
  }

  #viewFor(moment: string, ours: ReadonlySet<string>, make: () => WindowView | null): WindowView | null {
    if (moment !== this.#viewsOf) {
      this.#views = new Map()
      this.#viewsOf = moment
    }
    const key = [...ours].sort().join(' ')
    const known = this.#views.get(key)
    if (known !== undefined) return known
    const view = make()
    if (this.#views.size >= MAX_VIEWS) this.#views.delete(this.#views.keys().next().value as string)
    this.#views.set(key, view)
    return view
  }
}

const NO_WORK = 'There is no work yet: as soon as the bitcoin node gives a block template there is something to say.'
const WINDOW_TOO_DEEP =
  'The payout window reaches back further than the shares this node has: it is read as soon as they are fetched.'
