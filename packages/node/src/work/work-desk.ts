import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { Moment } from '@p2poolv2/primitives'
import { bytesEqual, difficultyFromBits } from '@p2poolv2/primitives'
import type { ChainKeeper } from '../chain/chain-keeper.ts'
import type { PeerDesk } from '../chain/peer-desk.ts'
import type { NodeEvent } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { MinerDesk } from '../miners/miner-desk.ts'
import { ClockWatch } from './clock-watch.ts'
import type { JobMaker, Renewal } from './job-maker.ts'

export interface WorkDeskDeps {
  readonly jobs: JobMaker
  readonly miners: MinerDesk
  readonly peers: PeerDesk
  readonly keeper: ChainKeeper
  readonly effects: EffectList
}

/** Takes templates in, and hands new work to everybody who is concerned: miners, and peers who might submit our block. */
export class WorkDesk {
  readonly clocks = new ClockWatch()
  readonly #deps: WorkDeskDeps
  #templateSource: string | null = null
  /** What peers know of our transactions. */
  #toldTemplate: BlockTemplate | null = null
  /** What they are to know once miners have it: they are told for the case that we do not live, and it takes a while. */
  #untoldTemplate: BlockTemplate | null = null

  constructor(deps: WorkDeskDeps) {
    this.#deps = deps
  }

  /** The bitcoin node that gave the last template. */
  get templateSource(): string | null {
    return this.#templateSource
  }

  takeTemplate({ template, source }: Extract<NodeEvent, { type: 'template' }>, now: Moment): void {
    const { jobs, miners, effects } = this.#deps
    const moved = jobs.takeTemplate(template, now)
    this.#templateSource = source
    const differenceSec = this.clocks.compare(template, now.wallMs)
    if (differenceSec !== null) effects.report({ type: 'clocksDiffer', differenceSec })
    effects.report({
      type: 'templateTaken',
      source,
      bitcoinHeight: template.bitcoinHeight,
      coinbaseValueSats: template.coinbaseValueSats,
      bitcoinDifficulty: difficultyFromBits(template.bits),
      transactions: template.transactions.length
    })
    if (moved) miners.newBlock(template.prevHash, now)
  }

  /** New work for everybody if it is due, else what there is for those who asked. */
  serve(now: Moment): 'served' | 'nobody-to-pay' {
    const { jobs, miners, keeper } = this.#deps
    const renewal = jobs.renewIfDue(now)
    if (renewal === null) miners.serveWanting(now)
    else {
      this.#report(renewal)
      if (renewal.reason === 'window-empty') return 'nobody-to-pay'
      this.#untoldTemplate = renewal.offered?.work.template ?? null
      miners.serveAll(renewal, now)
      const { offered } = renewal
      if (offered !== null && this.clocks.isChainAhead(keeper.hasAhead(now), offered.work.mining, now))
        keeper.holdAhead(now)
    }
    if (this.#untoldTemplate !== null && !miners.isServing) {
      this.#tellPeers(this.#untoldTemplate, now)
      this.#untoldTemplate = null
    }
    return 'served'
  }

  /** Peers that have our transactions can submit our blocks should we not live to do it. */
  #tellPeers(template: BlockTemplate, now: Moment): void {
    const told = this.#toldTemplate
    // The transactions follow from the branch. Work made anew mostly has the same, or fewer for lack of room each time.
    if (told?.prevHash === template.prevHash && bytesEqual(told.merkleBranch, template.merkleBranch)) return
    this.#toldTemplate = template
    this.#deps.peers.handle({ type: 'ownTemplate', template }, now)
  }

  #report({ offered, reason, cause }: Renewal): void {
    const { effects, miners } = this.#deps
    if (offered === null) {
      if (reason === 'window-unavailable') effects.report({ type: 'workUnavailable', reason })
      return
    }
    const { ineligible, droppedTransactions, scarceRoom } = offered.work
    effects.report({ type: 'jobsRenewed', cause, miners: miners.served, ineligible })
    if (scarceRoom === null) return
    effects.report({
      type: 'coinbaseTooHeavy',
      droppedTransactions,
      payees: offered.work.paid().length,
      scarce: scarceRoom
    })
  }
}
