import type { ShareHash, SteadyMs } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import { CURRENT_SEC, isCurrent } from '../currentness.ts'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import { encodeMessage, wrapEncoded } from '../wire/messages.ts'
import type { RecentShare, RecentShares } from './recent.ts'

/**
 * Older shares of others are no news. What we had to ask for others have as well, unless it overtook its parent a moment
 * ago: else whoever has just caught up would send everybody the last five minutes again.
 */
const MAX_AGE_SEC = { told: CURRENT_SEC, fetched: 60 } as const

interface Parts {
  readonly chain: ChainIndex
  readonly peers: PeerBook
  readonly recent: RecentShares
  readonly out: GossipEffects
}

/**
 * Who hears of a valid share, and how (protocol §19.5): peers in our topics by one message on the topic, reference peers by
 * a push of the whole share unless they have it. Own shares always, those of others while our chain is current. A share is
 * relayed once.
 */
export class Relay {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Our own share, valid or on its way to be. */
  own(entry: RecentShare, nowMs: SteadyMs): void {
    this.#send(entry, nowMs)
  }

  /** A share became fully valid. What is no longer at hand is old, and peers find it by its header. */
  validated(hash: ShareHash, nowMs: SteadyMs): void {
    const entry = this.#parts.recent.get(hash)
    if (entry === undefined) return
    const ageSec = this.#parts.chain.wallSec() - entry.timeSec
    const isNews = entry.origin === 'own' || ageSec <= MAX_AGE_SEC[entry.origin]
    if (isNews && (entry.origin === 'own' || isCurrent(this.#parts.chain))) this.#send(entry, nowMs)
  }

  #send(entry: RecentShare, nowMs: SteadyMs): void {
    if (entry.relayed) return
    entry.relayed = true
    const { out, peers } = this.#parts
    const { hash } = entry
    const published = entry.onTopic === 'no' && peers.oursCount > 0
    if (published) {
      entry.onTopic = 'passed'
      out.add({ type: 'publish', topic: 'shares', data: entry.bytes })
    }
    let push: Uint8Array | null = null
    let pushes = 0
    for (const peer of peers.all()) {
      if (peer.known.has(hash)) continue
      if (peer.dialect === 'reference') {
        // One copy for all of them.
        push ??= wrapEncoded('shareBlock', entry.bytes)
        if (!out.tell(peer.id, push, nowMs)) continue
        pushes++
      } else if (entry.onTopic === 'held' && peer.isOfOurRules) {
        // The topic has had it and will not carry it again; whoever missed it there asks us.
        if (!out.tell(peer.id, encodeMessage({ type: 'inventory', kind: 'share', hashes: [hash] }), nowMs)) continue
      }
      peer.known.add(hash)
    }
    out.report({ type: 'shareRelayed', hash, published, pushes })
  }
}
