import type { ChainParams, HeaderQuestion } from '@p2poolv2/consensus'
import { encodeHeaderBatch, genesisShare } from '@p2poolv2/consensus'
import { invariant, type ShareHash } from '@p2poolv2/primitives'
import type { ChainIndex, PeerId } from '../contract.ts'
import type { RecentShares } from '../shares/recent.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/frame.ts'
import { joinHeaderBatches } from '../wire/header-join.ts'
import { wrapEncoded } from '../wire/messages.ts'
import type { Outbox } from './outbox.ts'

/** Headers read from the store at a time. */
export const HEADERS_PER_READ = 128
/** Header questions of one peer that wait for their turn; at the cap further ones get no answer. */
export const MAX_QUESTIONS_PER_PEER = 2
/** Bodies one peer may have us read at a time, as many as an honest one asks for; at the cap it gets no answer. */
export const MAX_READS_PER_PEER = 32

/** Where an answer goes: the peer and the network's id of its request. */
export interface ReplyTo {
  readonly peer: PeerId
  readonly requestId: number
}

interface HeaderJob {
  readonly to: ReplyTo
  readonly hashes: readonly ShareHash[]
  readonly batches: Uint8Array[]
  readId: number
}

interface Parts {
  readonly chain: ChainIndex
  readonly recent: RecentShares
  readonly out: Outbox
}

/**
 * Answers what peers ask for: headers, bodies, inventories (protocol §18.4, §18.5). Headers are read from the store in
 * portions and for one peer at a time, in the order of asking, so that memory holds one answer at most.
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
    const hashes = this.#parts.chain.headerAnswer(question)
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
    if (job === null || job.readId !== requestId) return
    for (const batch of batches) {
      const at = job.batches.length
      const bytes = batch ?? this.#unwritten(job.hashes[at])
      if (bytes === null) {
        this.#cutBack(job, at)
        this.#respond(job)
        return
      }
      job.batches.push(bytes)
    }
    if (batches.length === 0 || job.batches.length >= job.hashes.length) {
      this.#respond(job)
      return
    }
    this.#read(job)
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
      const hashes = this.#parts.chain.headerAnswer(next.question)
      const job: HeaderJob = { to: next.to, hashes, batches: [], readId: 0 }
      const { genesisHash } = this.#parts.chain
      if (hashes.length === 1 && hashes[0] === genesisHash) {
        job.batches.push(encodeHeaderBatch([genesisShare(this.#params)]))
        this.#send(job)
      } else if (hashes.length === 0) {
        this.#send(job)
      } else {
        this.#job = job
        this.#read(job)
      }
    }
  }

  #read(job: HeaderJob): void {
    job.readId = this.#parts.out.nextReadId()
    const at = job.batches.length
    const hashes = job.hashes.slice(at, at + HEADERS_PER_READ)
    this.#parts.out.add({ type: 'readHeaders', requestId: job.readId, hashes })
  }

  #respond(job: HeaderJob): void {
    this.#job = null
    this.#send(job)
    this.#next()
  }

  #send(job: HeaderJob): void {
    const payload = wrapEncoded('shareHeaders', joinHeaderBatches(job.batches))
    // Cannot happen with headers that passed the gate, whose sizes are bounded; an answer over the limit would not be read.
    invariant(payload.length <= MAX_PAYLOAD_BYTES, 'a header answer fits a frame')
    this.#parts.out.respond(job.to, payload)
  }

  /** A header that is in memory and not yet in the store. */
  #unwritten(hash: ShareHash | undefined): Uint8Array | null {
    const entry = hash === undefined ? undefined : this.#parts.recent.get(hash)
    if (entry === undefined) return null
    const { header, merkleBranch } = entry.share
    return encodeHeaderBatch([{ header, merkleBranch }])
  }

  /** Ends the answer below the height of a header that is not to be had: a height is sent whole or not at all. */
  #cutBack(job: HeaderJob, missing: number): void {
    const heightAt = (index: number) => {
      const hash = job.hashes[index]
      return hash === undefined ? undefined : this.#parts.chain.facts(hash)?.height
    }
    const height = heightAt(missing)
    while (job.batches.length > 0 && (height === undefined || heightAt(job.batches.length - 1) === height)) {
      job.batches.pop()
    }
  }

  #readsOf(peer: PeerId): number {
    let reads = 0
    for (const { to } of this.#bodyReads.values()) if (to.peer === peer) reads++
    return reads
  }
}
