import { CodecError, invariant, type Moment, type SteadyMs, secFromMs, steadyMs } from '@p2poolv2/primitives'
import type { ChainBlock } from '../block-tree.ts'
import { LOCK_TIME_IS_TIME } from '../check-block.ts'
import type { DevChain } from '../dev-chain.ts'
import type { ExchangeEffect, ExchangeEvent, PeerId } from './contract.ts'
import { ExchangePeer } from './exchange-peer.ts'
import { blocksAfter, locatorOf } from './locator.ts'
import { decodeMessage, type ExchangeMessage, encodeMessage } from './messages.ts'
import { type Taken, takeBlock } from './take-block.ts'

/** Peers that are served and asked; further ones are not. */
export const MAX_EXCHANGE_PEERS = 128

/** A peer is asked this often although it tells of its blocks: what was lost is found so. */
export const POLL_MS = 10_000

/** A peer that gives no answer is asked after twice as long each time, up to this many doublings. */
const MAX_DOUBLINGS = 4

/** Questions in a row without an answer after which a chain that is read beside ours is given up. */
const MAX_OTHER_FAILURES = 3

/** A peer whose chain found no room here, or is lighter and begins elsewhere, is asked again after this long. */
const HOPELESS_MS = 600_000

/** Peers asked at once: with two, one that is slow holds nobody up, and little comes twice. */
const MAX_ASKED = 2

/** Blocks told to one peer and not noted yet; a further one it gets when it asks. */
const MAX_TELLING = 4

const TIMEOUT_MS = 10_000

/** The network says when a question has failed; this much later it is taken as said. */
const GRACE_MS = 2_000

interface Asked {
  readonly peer: PeerId
  readonly type: 'getBlocks' | 'newBlock'
  readonly deadlineMs: SteadyMs
}

/** Why no more blocks of an answer were taken. */
type RowEnd = { readonly type: 'all taken' } | Exclude<Taken, { type: 'placed' }>

type Blocks = Extract<ExchangeMessage, { type: 'blocks' }>

/**
 * Keeps a development chain in step with those of peers: asks each for what follows the blocks that are known, tells each of
 * a new tip, and answers the same. A tip of others is passed on, once everything below it is here.
 */
export class BlockExchange {
  readonly #chain: DevChain
  readonly #peers = new Map<PeerId, ExchangePeer>()
  readonly #asked = new Map<number, Asked>()
  #lastRequestId = 0
  #told: ChainBlock
  /** A chain that does not join ours, because one of them has forgotten its beginning. It is kept if it has more work. */
  #other: { readonly peer: PeerId; readonly chain: DevChain } | null = null
  #effects: ExchangeEffect[] = []

  constructor({ chain }: { readonly chain: DevChain }) {
    this.#chain = chain
    this.#told = chain.tip
  }

  get peerCount(): number {
    return this.#peers.size
  }

  /** When `deadline` is due; null while no peer is here. */
  get nextDeadlineMs(): SteadyMs | null {
    const due = [...this.#asked.values()].map(({ deadlineMs }) => deadlineMs)
    if (this.#askingCount < MAX_ASKED) {
      for (const { asking, nextAskMs } of this.#peers.values()) if (asking === null) due.push(nextAskMs)
    }
    return due.length === 0 ? null : steadyMs(Math.min(...due))
  }

  handle(event: ExchangeEvent, now: Moment): readonly ExchangeEffect[] {
    this.#effects = []
    switch (event.type) {
      case 'peerConnected':
        if (this.#peers.size < MAX_EXCHANGE_PEERS && !this.#peers.has(event.peer)) {
          this.#peers.set(event.peer, new ExchangePeer(now.steadyMs))
        }
        break
      case 'peerGone':
        this.#forget(event.peer)
        break
      case 'ownBlocks':
        this.#tell(now)
        break
      case 'request':
        this.#answer(event, now)
        break
      case 'response':
        this.#hear(event, now)
        break
      case 'failed':
        this.#fail(event.requestId, now)
        break
      case 'deadline':
        break
      default:
        event satisfies never
    }
    for (const [requestId, { deadlineMs }] of this.#asked) if (deadlineMs <= now.steadyMs) this.#fail(requestId, now)
    this.#ask(now)
    return this.#effects
  }

  /** @throws InvariantError if the machine contradicts itself */
  checkInvariants(): void {
    invariant(this.#askingCount <= MAX_ASKED, 'few peers are asked at once')
    for (const [id, peer] of this.#peers) {
      const asked = [...this.#asked].filter(([, { peer: to }]) => to === id)
      invariant(asked.filter(([, { type }]) => type === 'newBlock').length === peer.telling, 'tellings add up')
      const asking = asked.filter(([, { type }]) => type === 'getBlocks').map(([requestId]) => requestId)
      invariant(asking.length <= 1 && (asking[0] ?? null) === peer.asking, 'a peer is asked one thing at a time')
    }
    for (const { peer } of this.#asked.values()) invariant(this.#peers.has(peer), 'only peers are asked')
    invariant(this.#other === null || this.#peers.has(this.#other.peer), 'another chain comes from a peer')
  }

  get #askingCount(): number {
    let count = 0
    for (const { type } of this.#asked.values()) if (type === 'getBlocks') count += 1
    return count
  }

  #ask({ steadyMs: nowMs }: Moment): void {
    const due = [...this.#peers].filter(([, { asking, nextAskMs }]) => asking === null && nextAskMs <= nowMs)
    due.sort(([, a], [, b]) => a.nextAskMs - b.nextAskMs)
    for (const [id, peer] of due.slice(0, MAX_ASKED - this.#askingCount)) {
      const chain = this.#chainFrom(id)
      const locator = locatorOf(chain, chain === this.#chain ? this.#heardFrom(peer) : null)
      peer.asking = this.#send(id, { type: 'getBlocks', locator }, nowMs)
    }
  }

  /** Null once the block is no longer kept. */
  #heardFrom({ heard }: ExchangePeer): ChainBlock | null {
    return heard !== null && this.#chain.blockOf(heard.hash) === heard ? heard : null
  }

  #chainFrom(peer: PeerId): DevChain {
    return this.#other?.peer === peer ? this.#other.chain : this.#chain
  }

  #send(peer: PeerId, message: Extract<ExchangeMessage, { type: 'getBlocks' | 'newBlock' }>, nowMs: SteadyMs): number {
    const requestId = ++this.#lastRequestId
    const deadlineMs = steadyMs(nowMs + TIMEOUT_MS + GRACE_MS)
    this.#asked.set(requestId, { peer, type: message.type, deadlineMs })
    this.#effects.push({ type: 'ask', peer, requestId, payload: encodeMessage(message), timeoutMs: TIMEOUT_MS })
    return requestId
  }

  /** Tells peers of a new tip. */
  #tell({ steadyMs: nowMs }: Moment): void {
    const { tip } = this.#chain
    if (tip === this.#told) return
    this.#told = tip
    for (const [id, peer] of this.#peers) {
      if (peer.telling >= MAX_TELLING || !peer.known.add(tip.hash)) continue
      peer.telling += 1
      this.#send(id, { type: 'newBlock', block: tip.bytes }, nowMs)
    }
  }

  #answer({ peer: id, requestId, payload }: Extract<ExchangeEvent, { type: 'request' }>, now: Moment): void {
    const peer = this.#peers.get(id)
    const isServed =
      peer?.requests.take(1, now.steadyMs) === true &&
      peer.saidKib.take(Math.ceil(payload.length / 1_024), now.steadyMs)
    const message = isServed ? decoded(payload) : null
    const answer = peer === undefined || message === null ? null : this.#answerTo(message, peer, now)
    const bytes = answer === null ? null : encodeMessage(answer)
    peer?.answeredKib.spend(Math.ceil((bytes?.length ?? 0) / 1_024), now.steadyMs)
    this.#effects.push({ type: 'answer', peer: id, requestId, payload: bytes })
    if (peer === undefined || !isServed) return
    if (message?.type === 'newBlock') this.#takeNews(id, peer, message.block, now)
    else if (message?.type !== 'getBlocks') this.#drop(id, 'malformed')
  }

  #answerTo(message: ExchangeMessage, peer: ExchangePeer, { steadyMs: nowMs }: Moment): ExchangeMessage | null {
    if (message.type === 'newBlock') return { type: 'noted' }
    if (message.type !== 'getBlocks' || peer.answeredKib.allowedAtMs(1, nowMs) > nowMs) return null
    const [tip] = message.locator
    // It has what we lack, and its line works: however often it gave no answer, it is worth asking.
    if (tip !== undefined && this.#chain.blockOf(tip) === null) {
      peer.nextAskMs = steadyMs(Math.min(peer.nextAskMs, nowMs + POLL_MS))
    }
    return blocksAfter(this.#chain, message.locator)
  }

  #takeNews(id: PeerId, peer: ExchangePeer, block: Uint8Array, now: Moment): void {
    const taken = takeBlock(this.#chain, block, { nowSec: secFromMs(now.wallMs), orphan: 'wait' })
    if (taken.type === 'bad') this.#drop(id, taken.reason)
    // What is below it is asked for at once.
    else if (taken.type === 'unlinked') peer.nextAskMs = now.steadyMs
    else this.#added(taken.added)
    if (taken.type !== 'placed') return
    peer.known.add(taken.block.hash)
    peer.heard = taken.block
    this.#tell(now)
  }

  #hear({ requestId, payload }: Extract<ExchangeEvent, { type: 'response' }>, now: Moment): void {
    const asked = this.#asked.get(requestId)
    const peer = asked === undefined ? undefined : this.#peers.get(asked.peer)
    if (asked === undefined || peer === undefined) return
    if (payload === null) {
      // It has none to give now, perhaps because we asked too much.
      this.#fail(requestId, now)
      return
    }
    this.#settle(requestId, asked)
    const message = decoded(payload)
    if (asked.type === 'getBlocks' && message?.type === 'blocks') {
      peer.failures = 0
      this.#takeBlocks(asked.peer, peer, message, now)
    } else if (asked.type !== 'newBlock' || message?.type !== 'noted') {
      this.#drop(asked.peer, 'malformed')
    }
  }

  #takeBlocks(id: PeerId, peer: ExchangePeer, message: Blocks, now: Moment): void {
    const { last, end } = this.#takeRow(id, message, secFromMs(now.wallMs))
    if (end.type === 'bad') {
      this.#drop(id, end.reason)
      return
    }
    // Answers that lead nowhere would keep both busy for ever.
    const isRising = last !== null && last.bitcoinHeight > peer.runHeight
    const goesOn = end.type === 'all taken' && last !== null && isRising && last.bitcoinHeight < message.tipHeight
    peer.runHeight = goesOn ? last.bitcoinHeight : -1
    const isOther = this.#chainFrom(id) !== this.#chain
    const isHopeless = !goesOn && (end.type === 'put off' || (isOther && !this.#takeOther()))
    peer.nextAskMs = steadyMs(now.steadyMs + (goesOn ? 0 : isHopeless ? HOPELESS_MS : POLL_MS))
    if (last !== null && this.#chain.blockOf(last.hash) === last) {
      peer.heard = last
      peer.known.add(last.hash)
    }
    if (!goesOn) this.#tell(now)
  }

  /** Gives the blocks of an answer to the chain until one is not taken. @returns the last that has its place, and how it ended */
  #takeRow(id: PeerId, { blocks, firstHeight }: Blocks, nowSec: number): { last: ChainBlock | null; end: RowEnd } {
    const added: ChainBlock[] = []
    let last: ChainBlock | null = null
    let end: RowEnd = { type: 'all taken' }
    for (const [i, bytes] of blocks.entries()) {
      const taken = takeBlock(this.#chainFrom(id), bytes, { nowSec, orphan: 'refuse' })
      if (taken.type === 'placed') {
        last = taken.block
        added.push(...taken.added)
        continue
      }
      if (taken.type === 'put off') added.push(...taken.added)
      end = taken
      // A chain that joins ours nowhere is read beside it, one at a time.
      if (taken.type === 'unlinked' && i === 0 && this.#other === null) end = this.#beginOther(id, bytes, firstHeight)
      if (end.type !== 'all taken') break
      last = this.#chainFrom(id).tip
    }
    if (this.#chainFrom(id) === this.#chain) this.#added(added)
    return { last, end }
  }

  #beginOther(peer: PeerId, bytes: Uint8Array, bitcoinHeight: number): RowEnd {
    const chain = this.#chain.empty()
    const isHeight = bitcoinHeight >= 1 && bitcoinHeight < LOCK_TIME_IS_TIME
    if (!isHeight || !chain.restore(bytes, bitcoinHeight)) return { type: 'bad', reason: 'no-first-block' }
    this.#other = { peer, chain }
    return { type: 'all taken' }
  }

  /** @returns whether it has more work and is our chain now */
  #takeOther(): boolean {
    const other = this.#other?.chain
    this.#other = null
    if (other === undefined || other.keptWork <= this.#chain.keptWork) return false
    this.#chain.replaceWith(other)
    this.#effects.push({ type: 'replaced' })
    return true
  }

  #added(blocks: readonly ChainBlock[]): void {
    if (blocks.length > 0) this.#effects.push({ type: 'added', blocks })
  }

  #fail(requestId: number, { steadyMs: nowMs }: Moment): void {
    const asked = this.#asked.get(requestId)
    if (asked === undefined) return
    this.#settle(requestId, asked)
    const peer = this.#peers.get(asked.peer)
    if (asked.type === 'newBlock' || peer === undefined) return
    peer.nextAskMs = steadyMs(nowMs + POLL_MS * 2 ** peer.failures)
    peer.failures = Math.min(peer.failures + 1, MAX_DOUBLINGS)
    peer.runHeight = -1
    // One that answers less than we ask for goes on a little later.
    if (this.#other?.peer === asked.peer && peer.failures >= MAX_OTHER_FAILURES) this.#other = null
  }

  #settle(requestId: number, { peer: id, type }: Asked): void {
    this.#asked.delete(requestId)
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    if (type === 'newBlock') peer.telling -= 1
    else peer.asking = null
  }

  #drop(peer: PeerId, reason: string): void {
    this.#forget(peer)
    this.#effects.push({ type: 'drop', peer, reason })
  }

  #forget(peer: PeerId): void {
    this.#peers.delete(peer)
    for (const [requestId, asked] of this.#asked) if (asked.peer === peer) this.#asked.delete(requestId)
    if (this.#other?.peer === peer) this.#other = null
  }
}

/** @returns null for what is no message */
function decoded(payload: Uint8Array): ExchangeMessage | null {
  try {
    return decodeMessage(payload)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
