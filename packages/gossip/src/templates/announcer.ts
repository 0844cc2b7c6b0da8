import type { BlockTemplate } from '@p2poolv2/bitcoin'
import { type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import { encodeAnnouncement } from '../wire/template-messages.ts'
import type { TemplateBook } from './book.ts'

/** Our templates are announced this often at most, the newest of them; the first for a new block at once. */
export const ANNOUNCE_GAP_MS = 5_000

interface Announcement {
  readonly data: Uint8Array
  readonly bitcoinHeight: number
}

interface Parts {
  readonly book: TemplateBook
  readonly peers: PeerBook
  readonly out: GossipEffects
}

/** Puts our templates into the book and tells our neighbours of them, not more often than they change for a reason. */
export class TemplateAnnouncer {
  readonly #parts: Parts
  #waiting: Announcement | null = null
  /** The last one told, for whoever comes later. */
  #told: Announcement | null = null
  #toldAtMs: SteadyMs = steadyMs(0)
  #toldHeight = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get nextDeadlineMs(): SteadyMs | null {
    if (this.#waiting === null || this.#parts.peers.oursCount === 0) return null
    return steadyMs(this.#toldAtMs + ANNOUNCE_GAP_MS)
  }

  own(template: BlockTemplate): void {
    const { book } = this.#parts
    const before = book.newestOwn
    const { key, branchKey } = book.addOwn(template)
    book.dropBelow(template.bitcoinHeight - 1)
    // Without transactions anybody can put the block together.
    if (before?.key === key || template.transactions.length === 0) return
    const { prevHash, bitcoinHeight, coinbaseValueSats } = template
    const transactionCount = template.transactions.length
    const data = encodeAnnouncement({ prevHash, bitcoinHeight, coinbaseValueSats, transactionCount, branchKey })
    this.#waiting = { data, bitcoinHeight }
  }

  /** Somebody has come who did not hear of the current template: it is told once more. */
  peerCame(): void {
    this.#waiting ??= this.#told
  }

  /** Announces if it is time. Called after every event. */
  work(nowMs: SteadyMs): void {
    const { peers, out } = this.#parts
    if (this.#waiting === null || peers.oursCount === 0) return
    const isNewBlock = this.#waiting.bitcoinHeight > this.#toldHeight
    if (!isNewBlock && nowMs < this.#toldAtMs + ANNOUNCE_GAP_MS) return
    out.add({ type: 'publish', topic: 'templates', data: this.#waiting.data })
    this.#toldAtMs = nowMs
    this.#toldHeight = this.#waiting.bitcoinHeight
    this.#told = this.#waiting
    this.#waiting = null
  }
}
