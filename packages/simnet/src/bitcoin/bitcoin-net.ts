import { buildCoinbase, encodeBitcoinHeader, witnessProgramScript } from '@p2poolv2/bitcoin'
import { subsidySats } from '@p2poolv2/devchain'
import {
  type BlockHash,
  blockHashFromWire,
  hashMeetsTarget,
  invariant,
  type SeededRng,
  secFromMs,
  sha256d,
  sha256d80Into,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { exponential, logNormal } from '../chance.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import type { BitcoinNetOptions } from './bitcoin-options.ts'
import { Mempool } from './mempool.ts'
import { type BitcoindListener, type BitcoinWire, SimBitcoind } from './sim-bitcoind.ts'
import { TemplateSource } from './template-source.ts'
import { medianTimeSec, timesAfter, type VirtualBlock } from './virtual-block.ts'

const RELAY_SIGMA = 0.4
const OUTSIDE_VERSION = 0x2000_0000

/**
 * The virtual bitcoin network: one chain, of which every node's bitcoind has its own view, and the miners of the rest of
 * the world. Blocks carry real work. A fork cuts it into parts that build on different tips until it heals.
 */
export class BitcoinNet implements BitcoinWire {
  readonly options: BitcoinNetOptions
  readonly mempool: Mempool
  readonly templates: TemplateSource
  readonly clock: VirtualClock
  readonly #rng: SeededRng
  readonly #outsideRng: SeededRng
  readonly #relayRng: SeededRng
  readonly #blocks = new Map<BlockHash, VirtualBlock>()
  readonly #views = new Map<number, SimBitcoind>()
  /** Which part of a fork a node's bitcoind is in; part 0 if not listed. */
  readonly #part = new Map<number, number>()
  /** The best block known in each part. */
  readonly #best: VirtualBlock[]
  readonly #root: VirtualBlock

  constructor(options: BitcoinNetOptions, { clock, rng }: { clock: VirtualClock; rng: SeededRng }) {
    this.options = options
    this.clock = clock
    this.#rng = rng
    this.#outsideRng = rng.fork('outside')
    this.#relayRng = rng.fork('relay')
    this.mempool = new Mempool(
      { startMs: clock.nowMs, arrivalMs: options.transactionMs, groups: options.mempoolGroups },
      rng.fork('mempool')
    )
    this.templates = new TemplateSource(this.mempool, options.bits)
    const startSec = secFromMs(clock.nowMs)
    this.#root = {
      hash: blockHashFromWire(rng.fork('root').bytes(32)),
      prevHash: blockHashFromWire(rng.fork('before').bytes(32)),
      bitcoinHeight: options.startHeight,
      timesSec: Array.from({ length: 11 }, (_, i) => startSec - 600 * (i + 1)),
      firstOpen: 0,
      origin: 'world'
    }
    this.#blocks.set(this.#root.hash, this.#root)
    this.#best = [this.#root]
    this.#mineOutsideLater()
  }

  /** Every block so far, in order of birth. */
  get blocks(): readonly VirtualBlock[] {
    return [...this.#blocks.values()]
  }

  /** The best block of the network, or of its first part while it is forked. */
  get tip(): VirtualBlock {
    return this.#bestOf(0)
  }

  get root(): VirtualBlock {
    return this.#root
  }

  block(hash: BlockHash): VirtualBlock | undefined {
    return this.#blocks.get(hash)
  }

  /** A bitcoind for this node, not started yet. */
  open(node: number, listener: BitcoindListener): SimBitcoind {
    invariant(!this.#views.has(node), 'a node has one bitcoind')
    const view = new SimBitcoind({ node, net: this, rng: this.#rng.fork(`bitcoind:${node}`) }, listener)
    this.#views.set(node, view)
    return view
  }

  /** Cuts the network: the bitcoinds listed build on their own, and so do the miners of the rest of the world. */
  fork(nodes: readonly number[]): void {
    for (const node of nodes) this.#part.set(node, 1)
    this.#best[1] = this.#bestOf(0)
  }

  /** All blocks reach everybody again. */
  heal(): void {
    this.#part.clear()
    const best = this.#best.reduce((a, b) => (b.bitcoinHeight > a.bitcoinHeight ? b : a))
    this.#best.length = 1
    this.#best[0] = best
    for (const view of this.#views.values()) this.#relay(best, view)
  }

  /** Takes up a block that `from` has accepted, and tells the others. */
  add(block: VirtualBlock, from: SimBitcoind | null, part = 0): void {
    if (this.#blocks.has(block.hash)) return
    this.#blocks.set(block.hash, block)
    const where = from === null ? part : this.#partOf(from.node)
    if (from?.isMuted === true) return
    if (block.bitcoinHeight > this.#bestOf(where).bitcoinHeight) this.#best[where] = block
    for (const view of this.#views.values()) {
      if (view !== from && this.#partOf(view.node) === where) this.#relay(block, view)
    }
  }

  #relay(block: VirtualBlock, view: SimBitcoind): void {
    const delayMs = logNormal(this.#relayRng, this.options.relayMedianMs, RELAY_SIGMA)
    const part = this.#partOf(view.node)
    this.clock.after(delayMs, () => {
      if (this.#partOf(view.node) === part) view.receive(block)
    })
  }

  #partOf(node: number): number {
    return this.#part.get(node) ?? 0
  }

  #bestOf(part: number): VirtualBlock {
    return this.#best[part] ?? this.#root
  }

  #mineOutsideLater(): void {
    const { outsideSpacingMs } = this.options
    if (!Number.isFinite(outsideSpacingMs)) return
    this.clock.after(exponential(this.#outsideRng, outsideSpacingMs), () => {
      const part = this.#best.length > 1 ? this.#outsideRng.u32() % this.#best.length : 0
      this.#mineOutside(part)
      this.#mineOutsideLater()
    })
  }

  #mineOutside(part: number): void {
    const parent = this.#bestOf(part)
    const timeSec = Math.max(secFromMs(this.clock.nowMs), medianTimeSec(parent) + 1)
    const bitcoinHeight = parent.bitcoinHeight + 1
    const coinbase = buildCoinbase({
      bitcoinHeight,
      auxFlags: new Uint8Array(0),
      poolSignature: new Uint8Array(0),
      outputs: [{ valueSats: subsidySats(bitcoinHeight), script: witnessProgramScript(0, this.#outsideRng.bytes(20)) }],
      witnessCommitmentScript: null,
      padding: null
    })
    const hash = mine({
      version: OUTSIDE_VERSION,
      prevHashWire: wireFromDisplay(parent.hash),
      merkleRootWire: sha256d(coinbase.bytes),
      timeSec,
      bits: this.options.bits,
      nonce: this.#outsideRng.u32()
    })
    const firstOpen = this.mempool.countAt(this.clock.nowMs)
    const times = timesAfter(parent, timeSec)
    this.add({ hash, prevHash: parent.hash, bitcoinHeight, timesSec: times, firstOpen, origin: 'world' }, null, part)
  }
}

/** Counts the nonce up until the header has the work it claims. */
function mine(header: Parameters<typeof encodeBitcoinHeader>[0]): BlockHash {
  const target = targetFromBits(header.bits)
  const bytes = encodeBitcoinHeader(header)
  const nonceAt = new DataView(bytes.buffer, bytes.byteOffset + 76, 4)
  const hashWire = new Uint8Array(32)
  for (let nonce = header.nonce; ; nonce = (nonce + 1) >>> 0) {
    nonceAt.setUint32(0, nonce, true)
    sha256d80Into(bytes, 0, hashWire, 0)
    if (hashMeetsTarget(hashWire, target)) return blockHashFromWire(hashWire)
  }
}
