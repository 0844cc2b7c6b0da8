import type { ShareHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { ShareOrigin } from '../contract.ts'
import type { KeptShare } from './kept-share.ts'

/** Most waiting shares in all. At the cap the peer with the most of them loses its oldest one. */
export const MAX_ORPHANS = 1024
/** Most waiting shares a peer brought. At the cap that peer loses its oldest one. */
export const MAX_ORPHANS_PER_PEER = 128
/** Most bytes of them in all. At the cap the peer with the most shares loses its oldest one. */
export const MAX_ORPHAN_BYTES = 16 * 1024 * 1024

export interface OrphanLimits {
  readonly maxShares: number
  readonly maxSharesPerPeer: number
  readonly maxBytes: number
}

const DEFAULT_LIMITS: OrphanLimits = {
  maxShares: MAX_ORPHANS,
  maxSharesPerPeer: MAX_ORPHANS_PER_PEER,
  maxBytes: MAX_ORPHAN_BYTES
}

interface Orphan {
  readonly share: KeptShare
  readonly peer: string
  readonly missing: Set<ShareHash>
}

/** Shares with enough work that build on shares not here yet. In memory only: peers will send them again. */
export class OrphanPool {
  readonly #limits: OrphanLimits
  /** In order of arrival. */
  readonly #orphans = new Map<ShareHash, Orphan>()
  readonly #byPeer = new Map<string, Set<ShareHash>>()
  readonly #waitingFor = new Map<ShareHash, Set<ShareHash>>()
  #bytes = 0

  constructor(limits: OrphanLimits = DEFAULT_LIMITS) {
    this.#limits = limits
  }

  get size(): number {
    return this.#orphans.size
  }

  get bytes(): number {
    return this.#bytes
  }

  has(hash: ShareHash): boolean {
    return this.#orphans.has(hash)
  }

  /**
   * Keeps a share until everything in `missing` has arrived. A share already here stays as it is.
   * @param missing at least one hash
   */
  add(share: KeptShare, missing: readonly ShareHash[]): void {
    const { origin, sizeBytes } = share
    if (this.#orphans.has(share.hash) || sizeBytes > this.#limits.maxBytes) return
    invariant(missing.length > 0, 'a share that misses nothing does not wait')
    const peer = peerKey(origin)
    const own = this.#byPeer.get(peer)
    if (own !== undefined && own.size >= this.#limits.maxSharesPerPeer) this.#removeOldestOf(own)
    while (this.#orphans.size >= this.#limits.maxShares || this.#bytes + sizeBytes > this.#limits.maxBytes) {
      this.#removeOldestOf(this.#fullestPeer())
    }
    this.#orphans.set(share.hash, { share, peer, missing: new Set(missing) })
    this.#bytes += sizeBytes
    addTo(this.#byPeer, peer, share.hash)
    for (const hash of missing) addTo(this.#waitingFor, hash, share.hash)
  }

  /**
   * Whether a share that waits for this one may come in (`isOpen`), so that it must have it as its uncle, or is needed itself.
   * Cost: O(shares that wait for it, and for those).
   */
  isNeeded(hash: ShareHash, isOpen: (share: KeptShare) => boolean): boolean {
    const open = new Set([hash])
    for (const wanted of open) {
      for (const waiting of this.#waitingFor.get(wanted) ?? []) {
        if (isOpen(this.#get(waiting).share)) return true
        open.add(waiting)
      }
    }
    return false
  }

  /** Tells that a share's body is here; gives back, in order of arrival, the shares that now miss nothing. */
  arrived(hash: ShareHash): KeptShare[] {
    const released: KeptShare[] = []
    for (const waiting of [...(this.#waitingFor.get(hash) ?? [])]) {
      const orphan = this.#get(waiting)
      orphan.missing.delete(hash)
      removeFrom(this.#waitingFor, hash, waiting)
      if (orphan.missing.size > 0) continue
      this.#remove(waiting)
      released.push(orphan.share)
    }
    return released
  }

  /** Drops everything that waits for a share that can never come in, and what waits for those. */
  dropWaitingFor(hash: ShareHash): void {
    this.#dropAbove(hash, () => true)
  }

  /** Drops everything built on a share that may not be built on. What names it as an uncle stays. */
  dropBuiltOn(hash: ShareHash): void {
    this.#dropAbove(hash, ({ prevHash }, gone) => prevHash === gone)
  }

  checkInvariants(): void {
    let bytes = 0
    for (const [hash, orphan] of this.#orphans) {
      bytes += orphan.share.sizeBytes
      invariant(orphan.missing.size > 0, 'an orphan misses something')
      invariant(this.#byPeer.get(orphan.peer)?.has(hash), 'an orphan is counted for its peer')
      for (const missing of orphan.missing) {
        invariant(this.#waitingFor.get(missing)?.has(hash), 'an orphan is found by what it misses')
      }
    }
    let listed = 0
    for (const hashes of this.#byPeer.values()) {
      invariant(hashes.size > 0 && hashes.size <= this.#limits.maxSharesPerPeer, 'no peer is above its cap')
      listed += hashes.size
    }
    for (const hashes of this.#waitingFor.values()) {
      invariant(hashes.size > 0, 'nothing is awaited by nobody')
      for (const hash of hashes) invariant(this.#orphans.has(hash), 'only orphans wait')
    }
    invariant(listed === this.#orphans.size && bytes === this.#bytes, 'orphans are counted')
    invariant(
      this.#orphans.size <= this.#limits.maxShares && bytes <= this.#limits.maxBytes,
      'the pool is below its caps'
    )
  }

  #dropAbove(hash: ShareHash, isLost: (share: KeptShare, gone: ShareHash) => boolean): void {
    const open: ShareHash[] = [hash]
    for (const gone of open) {
      for (const waiting of [...(this.#waitingFor.get(gone) ?? [])]) {
        if (!isLost(this.#get(waiting).share, gone)) continue
        this.#remove(waiting)
        open.push(waiting)
      }
    }
  }

  #fullestPeer(): Set<ShareHash> {
    let fullest: Set<ShareHash> | undefined
    for (const hashes of this.#byPeer.values()) {
      if (fullest === undefined || hashes.size > fullest.size) fullest = hashes
    }
    invariant(fullest !== undefined, 'a full pool has a peer that filled it')
    return fullest
  }

  #removeOldestOf(hashes: ReadonlySet<ShareHash>): void {
    for (const oldest of hashes) {
      this.#remove(oldest)
      return
    }
  }

  #get(hash: ShareHash): Orphan {
    const orphan = this.#orphans.get(hash)
    invariant(orphan !== undefined, 'a waiting share is in the pool')
    return orphan
  }

  #remove(hash: ShareHash): void {
    const orphan = this.#get(hash)
    this.#orphans.delete(hash)
    this.#bytes -= orphan.share.sizeBytes
    removeFrom(this.#byPeer, orphan.peer, hash)
    for (const missing of orphan.missing) removeFrom(this.#waitingFor, missing, hash)
  }
}

/** Unnamed peers count as one; our own shares are nobody's to push out by numbers, so they have a key no peer can take. */
function peerKey(origin: ShareOrigin): string {
  return typeof origin === 'string' ? origin : `peer:${origin.peer}`
}

function addTo<K>(sets: Map<K, Set<ShareHash>>, key: K, hash: ShareHash): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([hash]))
  else set.add(hash)
}

function removeFrom<K>(sets: Map<K, Set<ShareHash>>, key: K, hash: ShareHash): void {
  const set = sets.get(key)
  if (set === undefined) return
  set.delete(hash)
  if (set.size === 0) sets.delete(key)
}
