import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import { encodeShare, type Share } from '@p2poolv2/consensus'
import { type BlockHash, blockHashFromWire, invariant, ownBytes, type ShareHash } from '@p2poolv2/primitives'

/** Shares kept at most; at the cap the oldest goes and is read from the store instead. Above what waits for parents. */
export const MAX_RECENT_SHARES = 2_048
/** Bytes of them at most; the same happens. */
export const MAX_RECENT_BYTES = 16 * 1_048_576

/** Whether the share's topic has had it: not at all, received but not passed on, or passed on or published by us. */
export type OnTopic = 'no' | 'held' | 'passed'

/** Made here, told by a peer of its own accord, or given because we asked. */
export type Origin = 'own' | 'told' | 'fetched'

export interface RecentShare {
  readonly hash: ShareHash
  /** Of its bitcoin header. */
  readonly blockHash: BlockHash
  readonly timeSec: number
  /** The canonical form. Nothing of the decoded share is kept, which takes ten times as much, nor of the message it came in. */
  readonly bytes: Uint8Array
  readonly origin: Origin
  onTopic: OnTopic
  relayed: boolean
}

/**
 * Shares that came lately, ours and others', encoded: relayed from here and served from here, since a share is told to peers
 * before it is on disk.
 */
export class RecentShares {
  readonly #shares = new Map<ShareHash, RecentShare>()
  #bytes = 0

  get size(): number {
    return this.#shares.size
  }

  get(hash: ShareHash): RecentShare | undefined {
    return this.#shares.get(hash)
  }

  /**
   * Keeps a share; one already here stays, and is returned.
   * @param encoded its canonical form, if it is at hand
   */
  add(share: Share, origin: Origin, encoded?: Uint8Array): RecentShare {
    const known = this.#shares.get(share.hash)
    if (known !== undefined) return known
    const bytes = ownBytes(encoded ?? encodeShare(share))
    const { hash, header } = share
    const blockHash = blockHashFromWire(bitcoinHeaderHashWire(header.bitcoinHeader))
    const { timeSec } = header
    const entry: RecentShare = { hash, blockHash, timeSec, bytes, origin, onTopic: 'no', relayed: false }
    this.#shares.set(hash, entry)
    this.#bytes += bytes.length
    for (const oldest of this.#shares.values()) {
      if (this.#shares.size <= MAX_RECENT_SHARES && this.#bytes <= MAX_RECENT_BYTES) break
      this.#remove(oldest)
    }
    return entry
  }

  /** Lets go of a copy that proved bad. */
  delete(hash: ShareHash): void {
    const entry = this.#shares.get(hash)
    if (entry !== undefined) this.#remove(entry)
  }

  checkInvariants(): void {
    let bytes = 0
    for (const [hash, entry] of this.#shares) {
      invariant(entry.hash === hash, 'a recent share is listed under its hash')
      bytes += entry.bytes.length
    }
    invariant(bytes === this.#bytes, 'the bytes of recent shares are counted')
    invariant(
      this.#shares.size <= MAX_RECENT_SHARES && bytes <= MAX_RECENT_BYTES,
      'recent shares are within their caps'
    )
  }

  #remove(entry: RecentShare): void {
    this.#shares.delete(entry.hash)
    this.#bytes -= entry.bytes.length
  }
}
