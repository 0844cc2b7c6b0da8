import type { BlockTemplate } from '@p2poolv2/bitcoin'
import { type DecodedBlock, decodeBlock } from '@p2poolv2/devchain'
import type { BitcoindStatus, BlockSubmitResult } from '@p2poolv2/node'
import { type BlockHash, blockHashFromWire, hexToBytes, type SeededRng } from '@p2poolv2/primitives'
import { between } from '../chance.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import type { BitcoinNetOptions } from './bitcoin-options.ts'
import type { Mempool } from './mempool.ts'
import type { TemplateSource } from './template-source.ts'
import { refusalOf, timesAfter, type VirtualBlock } from './virtual-block.ts'

/** What a node hears from its bitcoind. */
export interface BitcoindListener {
  template(template: BlockTemplate, url: string): void
  status(nodes: readonly BitcoindStatus[]): void
  blockResult(result: BlockResult): void
}

export interface BlockResult {
  readonly blockHash: BlockHash
  readonly url: string
  readonly result: BlockSubmitResult
  readonly reason: string | null
}

/** The virtual bitcoin network as one bitcoind sees it. */
export interface BitcoinWire {
  readonly clock: VirtualClock
  readonly options: BitcoinNetOptions
  readonly mempool: Mempool
  readonly templates: TemplateSource
  /** The best block there is. */
  readonly tip: VirtualBlock
  block(hash: BlockHash): VirtualBlock | undefined
  /** Takes up a block that `from` has accepted, and tells the others. */
  add(block: VirtualBlock, from: SimBitcoind): void
}

/** From a new tip to its template at the node: notification, getblocktemplate, checks. */
const TEMPLATE_DELAY_MS: readonly [number, number] = [50, 300]
const SUBMIT_DELAY_MS: readonly [number, number] = [5, 60]
const START_DELAY_MS: readonly [number, number] = [10, 500]
/** Nodes ask for their fresh template within this time after it could be had. */
const REFRESH_SPREAD_MS = 2_000
/** As `BlockSubmitter`: what is `time-too-new` is handed over again, until bitcoin has gone on so far. */
const RETRY_MS = 5_000
const STALE_DEPTH_BLOCKS = 2
const STATUS_STALLED = 'it does not answer: see that bitcoind runs'

/**
 * One node's bitcoind: a view of the virtual chain. It can stall (answers nothing, learns nothing) and be mute (what is
 * submitted to it never reaches another bitcoind).
 */
export class SimBitcoind {
  readonly node: number
  readonly #url: string
  readonly #net: BitcoinWire
  readonly #rng: SeededRng
  readonly #listener: BitcoindListener
  readonly #known = new Set<BlockHash>()
  /** What `submitblock` was given here and what became of it, null while it is not judged. */
  readonly #submitted = new Map<BlockHash, BlockSubmitResult | null>()
  /** Handed over until bitcoin had gone on: its clock was behind the block's time all the while. */
  readonly #givenUp = new Set<BlockHash>()
  /** Clock of the machine it shares with the node. */
  skewMs = 0
  #tip: VirtualBlock
  #isStalled = false
  #isMuted = false
  /** A node is there to be told; a crash clears it. */
  #isListening = false
  #group: number
  /** Blocks that came while it stalled. */
  #missed: VirtualBlock[] = []
  #unjudged: string[] = []

  constructor(
    { node, net, rng }: { readonly node: number; readonly net: BitcoinWire; readonly rng: SeededRng },
    listener: BitcoindListener
  ) {
    this.node = node
    this.#url = `http://bitcoind-${node}.test:18443`
    this.#net = net
    this.#rng = rng
    this.#listener = listener
    this.#tip = net.tip
    this.#adopt(net.tip)
    this.#group = rng.u32() % Math.max(1, net.options.mempoolGroups)
    const spreadMs = between(rng, 0, REFRESH_SPREAD_MS)
    this.#refreshLater(spreadMs)
  }

  get tip(): VirtualBlock {
    return this.#tip
  }

  get isMuted(): boolean {
    return this.#isMuted
  }

  knows(hash: BlockHash): boolean {
    return this.#known.has(hash)
  }

  /** Whether its clock, or that of the block, was off for so long that the block came too late for it. */
  hasGivenUp(hash: BlockHash): boolean {
    return this.#givenUp.has(hash)
  }

  /** Null for a block that is not judged yet, undefined for one never submitted here. */
  submitResult(hash: BlockHash): BlockSubmitResult | null | undefined {
    return this.#submitted.get(hash)
  }

  /** The node is up and wants templates. */
  attach(): void {
    this.#isListening = true
    this.#judgeWaiting()
    this.#net.clock.after(between(this.#rng, ...START_DELAY_MS), () => {
      this.#tellStatus()
      this.#tellTemplate()
    })
  }

  /** The node is gone. What its submitter had in hand is marked on its disk, and handed over again by its next life. */
  detach(): void {
    this.#isListening = false
  }

  stall(): void {
    this.#isStalled = true
    this.#tellStatus()
  }

  resume(): void {
    this.#isStalled = false
    for (const block of this.#missed.splice(0)) this.receive(block)
    this.#tellStatus()
    this.#tellTemplate()
    this.#judgeWaiting()
  }

  /** The newest block is taken back: the one before is the tip, until a longer chain comes. */
  rewind(): void {
    const before = this.#net.block(this.#tip.prevHash)
    if (before === undefined) return
    this.#tip = before
    this.#tellStatus()
    this.#tellTemplate()
  }

  mute(): void {
    this.#isMuted = true
  }

  /** `submitblock`. The answer comes to the listener; a stalled bitcoind is asked again when it is back. */
  submit(blockHash: BlockHash, blockHex: string): void {
    if (!this.#submitted.has(blockHash)) this.#submitted.set(blockHash, null)
    this.#judgeLater(blockHex)
  }

  /** A block from another bitcoind. */
  receive(block: VirtualBlock): void {
    if (this.#isStalled) {
      this.#missed.push(block)
      return
    }
    this.#adopt(block)
    // Equal height never moves the tip: the first one seen stays.
    if (block.bitcoinHeight <= this.#tip.bitcoinHeight) return
    this.#tip = block
    this.#net.clock.after(between(this.#rng, ...TEMPLATE_DELAY_MS), () => {
      if (this.#tip !== block) return
      this.#tellStatus()
      this.#tellTemplate()
    })
  }

  /** A block comes with all its ancestors. */
  #adopt(block: VirtualBlock): void {
    for (let next: VirtualBlock | undefined = block; next !== undefined && !this.#known.has(next.hash); ) {
      this.#known.add(next.hash)
      next = this.#net.block(next.prevHash)
    }
  }

  /** Somebody has to be there who hands them over. */
  #judgeWaiting(): void {
    if (!this.#isListening || this.#isStalled) return
    for (const blockHex of this.#unjudged.splice(0)) this.#judgeLater(blockHex)
  }

  #judgeLater(blockHex: string): void {
    this.#net.clock.after(between(this.#rng, ...SUBMIT_DELAY_MS), () => {
      if (this.#isStalled) this.#unjudged.push(blockHex)
      else this.#judge(blockHex)
    })
  }

  #judge(blockHex: string): void {
    const bytes = hexToBytes(blockHex)
    const block = decodeBlock(bytes)
    if (block === null) return
    const { result, reason, accepted } = this.#verdict(block)
    if (this.#submitted.get(block.hash) !== 'accepted') this.#submitted.set(block.hash, result)
    if (reason === 'time-too-new' && this.#judgeAgain(block, blockHex)) return
    if (this.#isListening) this.#listener.blockResult({ blockHash: block.hash, url: this.#url, result, reason })
    if (accepted === null) return
    this.#net.add(accepted, this)
    this.receive(accepted)
  }

  /** @returns whether there is still a chance for it */
  #judgeAgain({ hash, header }: DecodedBlock, blockHex: string): boolean {
    const parentHeight = this.#net.block(blockHashFromWire(header.prevHashWire))?.bitcoinHeight ?? 0
    if (this.#tip.bitcoinHeight > parentHeight + STALE_DEPTH_BLOCKS) {
      this.#givenUp.add(hash)
      return false
    }
    this.#net.clock.after(RETRY_MS, () => this.#judgeLater(blockHex))
    return true
  }

  #verdict(block: DecodedBlock): {
    readonly result: BlockSubmitResult
    readonly reason: string | null
    readonly accepted: VirtualBlock | null
  } {
    if (this.#known.has(block.hash)) return { result: 'duplicate', reason: 'duplicate', accepted: null }
    const prevHash = blockHashFromWire(block.header.prevHashWire)
    const parent = this.#known.has(prevHash) ? this.#net.block(prevHash) : undefined
    if (parent === undefined) return { result: 'rejected', reason: 'prev-blk-not-found', accepted: null }
    const nowMs = this.#net.clock.nowMs + this.skewMs
    const { bits } = this.#net.options
    const reason = refusalOf(block, { parent, bits, mempool: this.#net.mempool, nowSec: Math.floor(nowMs / 1_000) })
    if (reason !== null) return { result: 'rejected', reason, accepted: null }
    const accepted: VirtualBlock = {
      hash: block.hash,
      prevHash,
      bitcoinHeight: parent.bitcoinHeight + 1,
      timesSec: timesAfter(parent, block.header.timeSec),
      firstOpen: this.#net.mempool.countAt(this.#net.clock.nowMs),
      origin: this.node
    }
    return { result: 'accepted', reason: null, accepted }
  }

  #refreshLater(spreadMs: number): void {
    const { clock, options } = this.#net
    const slot = Math.floor(clock.nowMs / options.templateMs) + 1
    clock.at(slot * options.templateMs + spreadMs, () => {
      this.#tellTemplate()
      this.#refreshLater(spreadMs)
    })
  }

  #tellTemplate(): void {
    if (!this.#isListening || this.#isStalled) return
    const { clock, options, templates } = this.#net
    const atMs = Math.floor(clock.nowMs / options.templateMs) * options.templateMs
    const template = templates.template({
      tip: this.#tip,
      group: this.#group,
      atMs,
      skewSec: Math.floor(this.skewMs / 1_000)
    })
    this.#listener.template(template, this.#url)
  }

  #tellStatus(): void {
    if (!this.#isListening) return
    this.#listener.status([
      {
        url: this.#url,
        state: this.#isStalled ? 'unreachable' : 'ready',
        bitcoinHeight: this.#tip.bitcoinHeight,
        message: this.#isStalled ? STATUS_STALLED : null
      }
    ])
  }
}
