import type { TemplateTransaction } from '@p2poolv2/bitcoin'
import { bytesToHex, invariant, type Sha256d, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import type { TemplateAnnouncement, TemplateMessage } from '../wire/template-messages.ts'
import type { TemplateBook } from './book.ts'
import { TemplateDownload } from './download.ts'
import { NO_LIST, type Question, takeAnswer } from './take-answer.ts'

/** Announced templates on their way at a time, one a peer; a peer's newest announcement waits for its turn. */
export const MAX_ANNOUNCED_DOWNLOADS = 4
/** Templates of blocks on their way at a time; at the cap the oldest is given up. */
export const MAX_BLOCK_DOWNLOADS = 8
/** For a block's transactions peers are asked again and again for this long. */
export const GIVE_UP_MS = 600_000
/** Wait after all peers were asked in vain; doubled with each further round. */
const FIRST_ROUND_MS = 1_000
const MAX_ROUND_MS = 30_000

/** A request under way. */
interface Asked extends Question {
  readonly requestId: number
}

interface Download {
  readonly key: string
  readonly work: TemplateDownload
  /** `announced`: good to have, from its announcer only. `block`: a block depends on it, from anybody. */
  readonly reason: 'announced' | 'block'
  readonly bitcoinHeight: number
  readonly startedAtMs: SteadyMs
  /** Still to be asked in this round; null between two rounds. */
  queue: readonly PeerId[] | null
  asked: Asked | null
  notBeforeMs: number
  rounds: number
}

/** A template that is here now, or will not come. */
export type Arrival =
  | { readonly type: 'here'; readonly key: string; readonly transactions: readonly TemplateTransaction[] }
  | { readonly type: 'givenUp'; readonly key: string }

/** A template that a block depends on. */
export interface NeededTemplate {
  readonly branchKey: Uint8Array
  /** Of the block's coinbase, or null if it has none. */
  readonly commitment: Uint8Array | null
  readonly bitcoinHeight: number
  /** Who is likeliest to have it. */
  readonly first: PeerId
}

interface Parts {
  readonly book: TemplateBook
  readonly peers: PeerBook
  readonly out: GossipEffects
  readonly sha256d: Sha256d
}

/**
 * Fetches templates of our neighbours. Each node announces what it mines on, and its neighbours take the transactions they
 * lack: should it find a block and vanish, they can still submit it. For a block's sake anybody is asked, again and again,
 * by the merkle branch that its share carries, so that the transactions spread from those neighbours to everybody.
 */
export class TemplateExchange {
  readonly #parts: Parts
  readonly #downloads = new Map<string, Download>()
  /** The newest announcement of each peer, until it is taken up. */
  readonly #announced = new Map<PeerId, TemplateAnnouncement>()
  #arrivals: Arrival[] = []

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get nextDeadlineMs(): SteadyMs | null {
    let next: number | null = null
    for (const { asked, notBeforeMs, startedAtMs } of this.#downloads.values()) {
      const endMs = startedAtMs + GIVE_UP_MS
      const atMs = asked === null ? Math.min(notBeforeMs, endMs) : endMs
      if (next === null || atMs < next) next = atMs
    }
    return next === null ? null : steadyMs(next)
  }

  /** A neighbour announces a template; taken up by `work`. */
  announced(peer: PeerId, announcement: TemplateAnnouncement): void {
    const { book, peers } = this.#parts
    const ownHeight = book.newestOwn?.bitcoinHeight
    if (peers.get(peer)?.isOfOurRules !== true || announcement.transactionCount === 0) return
    if (ownHeight !== undefined && announcement.bitcoinHeight < ownHeight) return
    this.#announced.set(peer, announcement)
  }

  /** A block depends on this template: asks until it is here or long past. */
  need(needed: NeededTemplate, nowMs: SteadyMs): void {
    const { branchKey, commitment, bitcoinHeight, first } = needed
    if (this.#downloads.get(bytesToHex(branchKey))?.reason === 'block') return
    const blocks = [...this.#downloads.values()].filter(download => download.reason === 'block')
    const [oldest] = blocks
    if (oldest !== undefined && blocks.length >= MAX_BLOCK_DOWNLOADS) this.#giveUp(oldest)
    const queue = [first, ...this.#everybody().filter(peer => peer !== first)]
    const download = this.#start({ branchKey, commitment, reason: 'block', bitcoinHeight, queue }, nowMs)
    // At once: before the share that is the block is relayed.
    this.#proceed(download, nowMs)
  }

  /** What has come, or was given up, since the last call. */
  takeArrivals(): Arrival[] {
    return this.#arrivals.splice(0)
  }

  /** Asks and gives up whatever is due. Called after every event. */
  work(nowMs: SteadyMs): void {
    for (const [peer, announcement] of this.#announced) this.#takeUp(peer, announcement, nowMs)
    for (const download of [...this.#downloads.values()]) this.#proceed(download, nowMs)
  }

  /** The answer to a request about this template; null if there was none. */
  answered(
    key: string,
    answer: { readonly requestId: number; readonly payload: Uint8Array | null },
    nowMs: SteadyMs
  ): void {
    const download = this.#downloads.get(key)
    const asked = download?.asked
    // The download it was for may have ended, and another begun.
    if (download === undefined || asked?.requestId !== answer.requestId) return
    download.asked = null
    if (takeAnswer(this.#parts, { ...asked, work: download.work, payload: answer.payload }, nowMs) === 'more') {
      download.queue = [asked.peer, ...(download.queue ?? [])]
    } else {
      download.work.reset()
    }
  }

  /** Somebody new to ask for what a block depends on. */
  peerConnected(peer: PeerId, nowMs: SteadyMs): void {
    if (this.#parts.peers.get(peer)?.dialect !== 'ours') return
    for (const download of this.#downloads.values()) {
      if (download.reason !== 'block') continue
      download.queue = [...(download.queue ?? []), peer]
      download.notBeforeMs = nowMs
    }
  }

  peerGone(peer: PeerId): void {
    this.#announced.delete(peer)
    for (const download of this.#downloads.values()) {
      download.queue = download.queue?.filter(queued => queued !== peer) ?? null
      if (download.asked?.peer !== peer) continue
      download.asked = null
      download.work.reset()
    }
  }

  checkInvariants(): void {
    const counts = { announced: 0, block: 0 }
    const connected = (peer: PeerId) => this.#parts.peers.get(peer) !== undefined
    for (const { reason, asked, queue } of this.#downloads.values()) {
      counts[reason]++
      invariant(queue === null || queue.every(connected), 'templates are asked of connected peers')
      invariant(asked === null || connected(asked.peer), 'templates are asked of connected peers')
    }
    invariant(counts.announced <= MAX_ANNOUNCED_DOWNLOADS, 'announced templates on their way are within their cap')
    invariant(counts.block <= MAX_BLOCK_DOWNLOADS, 'templates of blocks on their way are within their cap')
    invariant([...this.#announced.keys()].every(connected), 'announcements are of connected peers')
    invariant(this.#arrivals.length === 0, 'arrivals are taken in the turn they came')
  }

  #takeUp(peer: PeerId, announcement: TemplateAnnouncement, nowMs: SteadyMs): void {
    const { book, peers } = this.#parts
    const running = [...this.#downloads.values()].filter(download => download.reason === 'announced')
    if (running.length >= MAX_ANNOUNCED_DOWNLOADS) return
    if (running.some(({ asked, queue }) => asked?.peer === peer || queue?.includes(peer))) return
    this.#announced.delete(peer)
    const { branchKey, bitcoinHeight } = announcement
    const key = bytesToHex(branchKey)
    if (book.find(key) !== undefined || this.#downloads.has(key)) return
    // A peer that has us fetch too much is passed over.
    if (peers.get(peer)?.templateKilobytes.take(1, nowMs) !== true) return
    this.#start({ branchKey, commitment: null, reason: 'announced', bitcoinHeight, queue: [peer] }, nowMs)
  }

  #start(
    about: Pick<Download, 'reason' | 'bitcoinHeight' | 'queue'> & Pick<NeededTemplate, 'branchKey' | 'commitment'>,
    nowMs: SteadyMs
  ): Download {
    const { branchKey, commitment, reason, bitcoinHeight } = about
    const key = bytesToHex(branchKey)
    const work = new TemplateDownload(branchKey, this.#parts.sha256d)
    work.commitment = commitment
    const queue = (about.queue ?? []).filter(peer => this.#mayAsk(peer))
    const plan = { queue, asked: null, notBeforeMs: nowMs, rounds: 0 }
    const download: Download = { key, work, reason, bitcoinHeight, startedAtMs: nowMs, ...plan }
    this.#downloads.set(key, download)
    return download
  }

  #proceed(download: Download, nowMs: SteadyMs): void {
    if (nowMs >= download.startedAtMs + GIVE_UP_MS) {
      this.#giveUp(download)
      return
    }
    if (download.asked !== null || nowMs < download.notBeforeMs) return
    const { step } = download.work
    if (step.type === 'complete') {
      this.#arrive(download, step.transactions)
      return
    }
    const [peer, ...others] = download.queue ?? this.#everybody()
    if (peer === undefined) {
      this.#endRound(download, nowMs)
      return
    }
    download.queue = others
    const indexes = step.type === 'transactions' ? step.indexes : null
    const { branchKey } = download.work
    const message: TemplateMessage =
      indexes === null
        ? { type: 'getTemplate', branchKey, baseId: this.#baseFor(peer) }
        : { type: 'getTemplateTransactions', branchKey, indexes }
    const purpose = { type: 'template', branchKey: download.key } as const
    download.asked = { requestId: this.#parts.out.askTemplate(peer, message, { purpose, nowMs }), peer, indexes }
  }

  #endRound(download: Download, nowMs: SteadyMs): void {
    if (download.reason === 'announced') {
      this.#downloads.delete(download.key)
      return
    }
    download.notBeforeMs = nowMs + Math.min(MAX_ROUND_MS, FIRST_ROUND_MS * 2 ** Math.min(download.rounds, 10))
    download.rounds++
    download.queue = null
  }

  #arrive(download: Download, transactions: readonly TemplateTransaction[]): void {
    const { key, work, bitcoinHeight } = download
    this.#downloads.delete(key)
    this.#arrivals.push({ type: 'here', key, transactions })
    const peer = work.source
    invariant(peer !== null, 'a complete template came from somebody')
    this.#parts.book.addPeers(peer, { branchKey: work.branchKey, bitcoinHeight, transactions })
    const { fetched } = work
    this.#parts.out.report({ type: 'templateTaken', peer, transactions: transactions.length, fetched })
  }

  #giveUp(download: Download): void {
    this.#downloads.delete(download.key)
    if (download.reason === 'block') this.#arrivals.push({ type: 'givenUp', key: download.key })
  }

  /** A list the peer is likely to have as well: its last one, else our own, which we announced to it. */
  #baseFor(peer: PeerId): Uint8Array {
    const { book } = this.#parts
    return (book.newestOf(peer) ?? book.newestOwn)?.id ?? NO_LIST
  }

  #mayAsk(id: PeerId): boolean {
    const peer = this.#parts.peers.get(id)
    return peer !== undefined && peer.dialect === 'ours' && peer.isOfOurRules
  }

  #everybody(): PeerId[] {
    const ids = [...this.#parts.peers.all()].map(({ id }) => id)
    return ids.filter(id => this.#mayAsk(id))
  }
}
