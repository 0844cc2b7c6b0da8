import type { ArchivedHeight, ChainParams, HeaderQuestion } from '@p2poolv2/consensus'
import { decodeShare, encodeHeaderBatch, genesisShare, MAX_BATCH_HEADERS } from '@p2poolv2/consensus'
import { type Height, invariant, type ShareHash } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import { FULL_ANSWER_HEADERS } from '../headers/full-answer.ts'
import type { PeerId } from '../network-port.ts'
import type { RecentShares } from '../shares/recent.ts'
import { MAX_INVENTORY_HASHES, wrapEncoded } from '../wire/messages.ts'
import { headersMessage } from './fit-answer.ts'
import type { GossipEffects } from './gossip-effects.ts'

/** Headers read from the store at a time. */
export const HEADERS_PER_READ = 128
/** Header questions of one peer that wait for their turn; at the cap further ones get no answer. */
export const MAX_QUESTIONS_PER_PEER = 2
/** Bodies one peer may have us read at a time, as many as an honest one asks for; at the cap it gets no answer. */
export const MAX_READS_PER_PEER = 32

/** Hashes of a locator that are looked up in the archive: one reaches down ten million heights with as many. */
const MAX_LOCATOR_LOOKUPS = 32
/** Answers from memory begin this far below the share they are asked from (protocol §18.5). */
const OVERLAP_HEIGHTS = 2

/** Where an answer goes: the peer and the network's id of its request. */
export interface ReplyTo {
  readonly peer: PeerId
  readonly requestId: number
}

/** A header to be sent and its height: an answer ends with a whole height. */
interface Wanted {
  readonly hash: ShareHash
  readonly height: Height
}

interface HeaderJob {
  readonly to: ReplyTo
  readonly question: HeaderQuestion
  /** Null while the archive is asked. */
  wanted: readonly Wanted[] | null
  readonly batches: Uint8Array[]
  readId: number
}

interface Parts {
  readonly chain: ChainIndex
  readonly recent: RecentShares
  readonly out: GossipEffects
}

/**
 * Answers what peers ask for: headers, bodies, inventories (protocol §18.4, §18.5). What lies below the headers in memory is found in
 * the store's archive, by height. Headers are read from the store in portions and for one peer at a time, in the order of asking, so that memory holds one answer at most.
 */
export class Serving {
  readonly #params: ChainParams
  readonly #parts: Parts
  readonly #questions: { readonly to: ReplyTo; readonly question: HeaderQuestion }[] = []
  #job: HeaderJob | null = null
  readonly #bodyReads = new Map<number, { readonly to: ReplyTo; readonly hash: ShareHash }>()

  constructor(params: ChainParams, parts: Parts) {
    this.#params = params
    this.#parts = parts
  }

  /** A peer asks for a body: from memory, from the store, or not found. */
  body(to: ReplyTo, hash: ShareHash): void {
    const { chain, recent, out } = this.#parts
    const entry = recent.get(hash)
    if (entry !== undefined) {
      out.respond(to, wrapEncoded('shareBlock', entry.bytes))
      return
    }
    if (chain.facts(hash)?.hasBody !== true) {
      out.answer(to, { type: 'notFound', kind: 'share', hash })
      return
    }
    if (this.#readsOf(to.peer) >= MAX_READS_PER_PEER) {
      out.respond(to, null)
      return
    }
    const readId = out.nextReadId()
    this.#bodyReads.set(readId, { to, hash })
    out.add({ type: 'readShares', requestId: readId, hashes: [hash] })
  }

  /** A peer asks for headers; it is answered when it is its turn. */
  headers(to: ReplyTo, question: HeaderQuestion): void {
    const waiting = this.#questions.filter(other => other.to.peer === to.peer).length
    const beingAnswered = this.#job?.to.peer === to.peer ? 1 : 0
    if (waiting + beingAnswered >= MAX_QUESTIONS_PER_PEER) {
      this.#parts.out.respond(to, null)
      return
    }
    this.#questions.push({ to, question })
    this.#next()
  }

  /** A peer asks which shares follow its locator. */
  inventory(to: ReplyTo, question: HeaderQuestion): void {
    const hashes = this.#parts.chain.headerAnswer(question).slice(0, MAX_INVENTORY_HASHES)
    this.#parts.out.answer(to, { type: 'inventory', kind: 'share', hashes })
  }

  sharesRead(requestId: number, shares: readonly (Uint8Array | null)[]): void {
    const read = this.#bodyReads.get(requestId)
    if (read === undefined) return
    this.#bodyReads.delete(requestId)
    const bytes = shares[0] ?? null
    if (bytes !== null) {
      this.#parts.out.respond(read.to, wrapEncoded('shareBlock', bytes))
      return
    }
    this.#parts.out.answer(read.to, { type: 'notFound', kind: 'share', hash: read.hash })
  }

  headersRead(requestId: number, batches: readonly (Uint8Array | null)[]): void {
    const job = this.#job
    if (job === null || job.wanted === null || job.readId !== requestId) return
    for (const batch of batches) {
      const at = job.wanted[job.batches.length]
      const bytes = batch ?? this.#unwritten(at?.hash)
      if (bytes === null) {
        cutBack(job.batches, job.wanted, at?.height)
        this.#respond(job)
        return
      }
      job.batches.push(bytes)
    }
    if (batches.length === 0 || job.batches.length >= job.wanted.length) {
      this.#respond(job)
      return
    }
    this.#read(job, job.wanted)
  }

  archiveRead(requestId: number, heights: readonly ArchivedHeight[]): void {
    const job = this.#job
    if (job === null || job.wanted !== null || job.readId !== requestId) return
    const wanted = this.#fromArchive(heights, job.question)
    if (wanted === null) {
      // What was asked for moved into the archive meanwhile. Fewer headers than there are would say that there are no more.
      this.#job = null
      this.#parts.out.respond(job.to, null)
      this.#next()
      return
    }
    this.#begin(job, wanted)
  }

  peerGone(peer: PeerId): void {
    for (const [readId, { to }] of this.#bodyReads) if (to.peer === peer) this.#bodyReads.delete(readId)
    const staying = this.#questions.filter(({ to }) => to.peer !== peer)
    this.#questions.splice(0, this.#questions.length, ...staying)
    if (this.#job?.to.peer !== peer) return
    this.#job = null
    this.#next()
  }

  checkInvariants(): void {
    invariant(this.#job !== null || this.#questions.length === 0, 'a question waits only while another is answered')
    for (const { to } of this.#questions) {
      const waiting = this.#questions.filter(other => other.to.peer === to.peer).length
      invariant(waiting <= MAX_QUESTIONS_PER_PEER, 'header questions are within their cap')
    }
    for (const { to } of this.#bodyReads.values()) {
      invariant(this.#readsOf(to.peer) <= MAX_READS_PER_PEER, 'body reads are within their cap')
    }
  }

  /** Takes up the next question that needs the store; those that do not are answered on the way. */
  #next(): void {
    while (this.#job === null) {
      const next = this.#questions.shift()
      if (next === undefined) return
      const { to, question } = next
      const job: HeaderJob = { to, question, wanted: null, batches: [], readId: 0 }
      if (this.#isBelowMemory(question.locator)) {
        this.#job = job
        job.readId = this.#parts.out.nextReadId()
        const locator = question.locator.slice(0, MAX_LOCATOR_LOOKUPS)
        this.#parts.out.add({ type: 'readArchive', requestId: job.readId, locator, limit: FULL_ANSWER_HEADERS })
      } else {
        this.#begin(job, this.#fromMemory(question))
      }
    }
  }

  /** Whether the archive has to be asked: of what the asker names, memory knows the genesis at most. */
  #isBelowMemory(locator: readonly ShareHash[]): boolean {
    const { chain } = this.#parts
    if (chain.keptFromHeight <= 1) return false
    const match = locator
      .map(hash => chain.facts(hash))
      .find(facts => facts !== undefined && facts.validity !== 'invalid')
    return match === undefined || match.height === 0
  }

  #begin(job: HeaderJob, wanted: readonly Wanted[]): void {
    // One more than a message holds, so that it is known where a height ends.
    job.wanted = wanted.slice(0, MAX_BATCH_HEADERS + 1)
    const { genesisHash } = this.#parts.chain
    if (wanted.length === 1 && wanted[0]?.hash === genesisHash) {
      job.batches.push(encodeHeaderBatch([genesisShare(this.#params)]))
      this.#respond(job)
    } else if (wanted.length === 0) {
      this.#respond(job)
    } else {
      this.#job = job
      this.#read(job, job.wanted)
    }
  }

  #fromMemory(question: HeaderQuestion): Wanted[] {
    const { chain } = this.#parts
    return chain.headerAnswer(question).map(hash => ({ hash, height: chain.facts(hash)?.height ?? 0 }))
  }

  /** The archive's part of an answer and, if that is not full, what follows in memory; null where the two do not meet. */
  #fromArchive(archive: readonly ArchivedHeight[], question: HeaderQuestion): Wanted[] | null {
    const { chain } = this.#parts
    const heights = archive.filter(({ height }) => height < chain.keptFromHeight)
    const wanted: Wanted[] = []
    for (const { height, hashes } of heights) {
      for (const hash of hashes) wanted.push({ hash, height })
      if (hashes.includes(question.stopHash) || wanted.length >= FULL_ANSWER_HEADERS) return chainLast(wanted, heights)
    }
    const [last] = heights.slice(-1)
    if (last === undefined) return this.#fromMemory(question)
    if (last.height + 1 !== chain.keptFromHeight) return null
    const depth = chain.candidateTip().height - chain.keptFromHeight - OVERLAP_HEIGHTS
    const [from] = depth < 0 ? [] : chain.locator(depth)
    if (from === undefined) return null
    const known = new Set(wanted.map(({ hash }) => hash))
    const kept = this.#fromMemory({ locator: [from], stopHash: question.stopHash })
    // Stable: what is missing comes first at its height, so that the last header stays the chain's.
    const closed = [...this.#namedBy(kept), ...kept].sort((a, b) => a.height - b.height)
    for (const next of closed) {
      const isNewHeight = next.height !== wanted.at(-1)?.height
      if (isNewHeight && wanted.length >= FULL_ANSWER_HEADERS) break
      if (!known.has(next.hash)) wanted.push(next)
    }
    return wanted
  }

  /**
   * What an answer from memory leaves out since whoever names a share has its uncles: at the lowest heights kept the asker was
   * told of neither.
   */
  #namedBy(answer: readonly Wanted[]): Wanted[] {
    const { chain } = this.#parts
    const inside = new Set(answer.map(({ hash }) => hash))
    const missing: Wanted[] = []
    const open = [...inside]
    for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
      const facts = chain.facts(hash)
      for (const named of facts === undefined ? [] : [facts.prevHash, ...facts.uncles]) {
        const height = chain.facts(named)?.height ?? 0
        if (inside.has(named) || height < chain.keptFromHeight) continue
        inside.add(named)
        missing.push({ hash: named, height })
        open.push(named)
      }
    }
    return missing
  }

  #read(job: HeaderJob, wanted: readonly Wanted[]): void {
    job.readId = this.#parts.out.nextReadId()
    const at = job.batches.length
    const hashes = wanted.slice(at, at + HEADERS_PER_READ).map(({ hash }) => hash)
    this.#parts.out.add({ type: 'readHeaders', requestId: job.readId, hashes })
  }

  #respond(job: HeaderJob): void {
    this.#job = null
    this.#send(job)
    this.#next()
  }

  #send(job: HeaderJob): void {
    const heights = (job.wanted ?? []).map(({ height }) => height)
    const least = Math.min(FULL_ANSWER_HEADERS, job.batches.length)
    this.#parts.out.respond(job.to, headersMessage(job.batches, heights, least))
  }

  /** A header that is in memory and not yet in the store. */
  #unwritten(hash: ShareHash | undefined): Uint8Array | null {
    const entry = hash === undefined ? undefined : this.#parts.recent.get(hash)
    if (entry === undefined) return null
    const { header, merkleBranch } = decodeShare(entry.bytes)
    return encodeHeaderBatch([{ header, merkleBranch }])
  }

  #readsOf(peer: PeerId): number {
    let reads = 0
    for (const { to } of this.#bodyReads.values()) if (to.peer === peer) reads++
    return reads
  }
}

/** Ends the answer below the height of a header that is not to be had: a height is sent whole or not at all. */
function cutBack(batches: Uint8Array[], wanted: readonly Wanted[], height: Height | undefined): void {
  while (batches.length > 0 && (height === undefined || wanted[batches.length - 1]?.height === height)) batches.pop()
}

/** The last header is the one to ask on from, and only the chain's own is found in an archive. */
function chainLast(wanted: readonly Wanted[], heights: readonly ArchivedHeight[]): Wanted[] {
  const height = wanted.at(-1)?.height
  const hash = heights.find(row => row.height === height)?.chain
  if (hash === undefined || height === undefined) return [...wanted]
  return [...wanted.filter(other => other.hash !== hash), { hash, height }]
}
