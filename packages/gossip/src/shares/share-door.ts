import {
  type ChainParams,
  decodeShare,
  encodeShare,
  MAX_ENCODED_SHARE_BYTES,
  peekShare,
  type Share
} from '@p2poolv2/consensus'
import {
  type BlockHash,
  BoundedMap,
  blockHashFromWire,
  bytesEqual,
  CodecError,
  hashMeetsTarget,
  type ShareHash,
  type SteadyMs,
  sha256d,
  targetFromBits
} from '@p2poolv2/primitives'
import type { ChainJudgement, ChainPort, ShareSource } from '../chain-port.ts'
import { isCurrent } from '../currentness.ts'
import type { HeaderSync } from '../headers/sync.ts'
import type { PeerId } from '../network-port.ts'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import { type FaultCode, topicVerdict } from '../peers/verdicts.ts'
import type { ChainWatch } from './chain-watch.ts'
import type { ShareFetcher } from './fetcher.ts'
import type { RecentShares } from './recent.ts'

/** Shares recognised by their bitcoin header before they are decoded; at the cap the oldest is decoded again. */
export const MAX_SEEN_SHARES = 8_192

/** Told of every share with work in it, whatever the chain will say: it may be a bitcoin block. */
export interface BlockLookout {
  /** Whether this much work could be a block, for a share whose work is below its own target. */
  couldBeBlock(blockHashWire: Uint8Array, bitcoinBits: number): boolean
  consider(share: Share, from: PeerId, nowMs: SteadyMs): void
}

interface Parts {
  readonly chain: ChainPort
  readonly peers: PeerBook
  readonly recent: RecentShares
  readonly fetcher: ShareFetcher
  readonly headers: HeaderSync
  readonly blocks: BlockLookout
  readonly watch: ChainWatch
  readonly out: GossipEffects
}

/**
 * The door for shares of peers: work before decoding, decoding before the chain, and then what the chain's verdict means for
 * the share, its message and its sender.
 */
export class ShareDoor {
  readonly #params: ChainParams
  readonly #parts: Parts
  /** By the hash of their bitcoin header; only shares whose body the chain has taken. */
  readonly #seen = new BoundedMap<BlockHash, ShareHash>(MAX_SEEN_SHARES)

  constructor(params: ChainParams, parts: Parts) {
    this.#params = params
    this.#parts = parts
  }

  /** An encoded share on the topic or in a push. */
  take(bytes: Uint8Array, from: Extract<ShareSource, { via: 'topic' | 'push' }>, nowMs: SteadyMs): void {
    const refusal = this.#read(bytes, from, nowMs)
    if (refusal !== null) this.#refuse(refusal, from, nowMs)
  }

  /** A whole share in answer to a request of ours; its hash is the one asked for. */
  takeFetched(share: Share, from: Extract<ShareSource, { via: 'fetch' }>, nowMs: SteadyMs): void {
    this.#deliver(share, { from }, nowMs)
  }

  checkInvariants(): void {
    this.#seen.checkInvariants()
  }

  /** @returns why the share goes no further, or null when it was dealt with */
  #read(bytes: Uint8Array, from: Extract<ShareSource, { via: 'topic' | 'push' }>, nowMs: SteadyMs): FaultCode | null {
    if (bytes.length > MAX_ENCODED_SHARE_BYTES) return 'malformed-message'
    let share: Share
    try {
      const peek = peekShare(bytes)
      const blockHashWire = sha256d(peek.bitcoinHeader)
      const seen = this.#seen.get(blockHashFromWire(blockHashWire))
      if (seen !== undefined) {
        this.#again(seen, from)
        return null
      }
      const hasWork = hashMeetsTarget(blockHashWire, targetFromBits(peek.bits)) && this.#isHardEnough(peek.bits)
      const bitcoinBits = new DataView(peek.bitcoinHeader.buffer, peek.bitcoinHeader.byteOffset).getUint32(72, true)
      if (!hasWork && !this.#parts.blocks.couldBeBlock(blockHashWire, bitcoinBits)) return 'no-work'
      share = decodeShare(bytes)
    } catch (error) {
      if (error instanceof CodecError) return 'malformed-message'
      throw error
    }
    const encoded = from.via === 'topic' ? encodeShare(share) : undefined
    if (encoded !== undefined && !bytesEqual(encoded, bytes)) return 'not-canonical'
    this.#deliver(share, { from, encoded }, nowMs)
    return null
  }

  #isHardEnough(bits: number): boolean {
    return hashMeetsTarget(targetFromBits(bits), targetFromBits(this.#params.maxTargetBits))
  }

  #deliver(
    share: Share,
    { from, encoded }: { readonly from: ShareSource; readonly encoded?: Uint8Array | undefined },
    nowMs: SteadyMs
  ): void {
    const { chain, recent, peers, blocks, fetcher, watch } = this.#parts
    peers.get(from.peer)?.known.add(share.hash)
    if (from.via !== 'fetch' && this.#isOfOurRules(from.peer)) fetcher.addSource(from.peer)
    blocks.consider(share, from.peer, nowMs)
    recent.add(share, from.via === 'fetch' ? 'fetched' : 'told', encoded)
    const outcome = chain.takeShare({ share, from })
    peers.get(from.peer)?.showed(chain.facts(share.hash))
    this.#judged(share.hash, { from, outcome }, nowMs)
    watch.moved(outcome, nowMs)
  }

  /** What the chain made of a share. */
  #judged(
    hash: ShareHash,
    { from, outcome }: { readonly from: ShareSource; readonly outcome: ChainJudgement },
    nowMs: SteadyMs
  ): void {
    const { recent, fetcher, out } = this.#parts
    const { verdict } = outcome
    if (from.via === 'fetch')
      fetcher.answered({ hash, peer: from.peer }, verdict.type === 'refused' ? 'bad' : 'brought', nowMs)
    switch (verdict.type) {
      case 'refused':
        // Another peer may have a better copy; what is invalid for ever the chain does not want any more.
        recent.delete(hash)
        this.#refuse(verdict.code, from, nowMs)
        return
      case 'waiting':
        fetcher.arrived(hash, verdict.missing.length > 0 ? 'waiting' : 'done', nowMs)
        if (verdict.missing.length > 0) this.#askFor(verdict.missing, from)
        break
      case 'accepted':
      case 'known':
        fetcher.arrived(hash, 'done', nowMs)
        break
      default:
        verdict satisfies never
    }
    const entry = recent.get(hash)
    if (entry !== undefined) this.#seen.set(entry.blockHash, hash)
    if (from.via !== 'topic') return
    // Passed on only when it is valid to the end, and while we know what is current.
    const passes = outcome.validated.includes(hash) && isCurrent(this.#parts.chain)
    if (entry !== undefined && entry.onTopic !== 'passed') entry.onTopic = passes ? 'passed' : 'held'
    out.verdict(from, passes ? 'accept' : 'ignore')
  }

  /** One more copy of a share the chain has had. */
  #again(hash: ShareHash, from: ShareSource): void {
    const { chain, peers } = this.#parts
    peers.get(from.peer)?.known.add(hash)
    peers.get(from.peer)?.showed(chain.facts(hash))
    if (from.via === 'topic') this.#parts.out.verdict(from, 'ignore')
  }

  #refuse(code: FaultCode, from: ShareSource, nowMs: SteadyMs): void {
    const { out } = this.#parts
    // A peer with other rules may be right by them.
    if (from.via === 'topic') out.verdict(from, this.#isOfOurRules(from.peer) ? topicVerdict(code) : 'ignore')
    out.report({ type: 'shareRefused', peer: from.peer, code })
    out.blame(from.peer, { code, route: from.via }, nowMs)
  }

  #isOfOurRules(peer: PeerId): boolean {
    return this.#parts.peers.get(peer)?.isOfOurRules === true
  }

  /**
   * What a share builds on is not here. Its sender has it, since nobody relays without: ask there. If a share that we asked
   * for has unknown parents itself, the gap is too deep to follow share by share, and headers show its extent; the same
   * while we are far behind.
   */
  #askFor(missing: readonly ShareHash[], from: ShareSource): void {
    const { chain, fetcher, headers } = this.#parts
    if (!this.#isOfOurRules(from.peer)) return
    const byShare = from.via !== 'fetch' && isCurrent(chain)
    for (const hash of missing) {
      if (byShare || chain.facts(hash) !== undefined) fetcher.wantMissing(hash, from.peer)
      else headers.trigger(from.peer, hash)
    }
  }
}
