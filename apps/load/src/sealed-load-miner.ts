import { randomBytes } from 'node:crypto'
import { bytesToHex } from '@p2poolv2/primitives'
import { V2Miner, type V2News } from '@p2poolv2/stratum/client'
import type { CrowdMiner, CrowdMinerDeps } from './crowd-miner.ts'
import { LoadLine } from './load-line.ts'
import { type Ground, LoadSubmits } from './load-submits.ts'

/** A server gives work within a second or never; a thousand handshakes of one computer take longer. */
const READY_WITHIN_MS = 120_000

export interface SealedLoadMinerOptions {
  readonly host: string
  readonly port: number
  readonly localAddress: string | undefined
  /** Of the server's authority, as it says it; null: whoever answers is believed. */
  readonly authorityKey: string | null
  readonly channel: 'standard' | 'extended'
  /** Address, hints and name. */
  readonly user: string
  readonly userAgent: string
  readonly roots: 'one' | 'each'
}

interface JobGround extends Ground {
  readonly jobId: number
  readonly timeSec: number
  readonly version: number
  readonly extranonce: Uint8Array
}

/** One connection of the load that speaks Stratum V2, with one channel. */
export class SealedLoadMiner implements CrowdMiner {
  readonly #options: SealedLoadMinerOptions
  readonly #deps: CrowdMinerDeps
  readonly #line: LoadLine
  readonly #submits: LoadSubmits
  readonly #miner: V2Miner
  #isReady = false
  #nextSequenceNumber = 1
  #extranonceCounter = 0
  #ground: JobGround | null = null
  #prevHash = ''
  #hasFullJob = false

  constructor(options: SealedLoadMinerOptions, deps: CrowdMinerDeps) {
    this.#options = options
    this.#deps = deps
    const { authorityKey, channel, user, userAgent } = options
    this.#miner = new V2Miner({
      entropy: { secret: randomBytes(32), encoding: randomBytes(32) },
      authorityKey,
      nowSec: Math.floor(Date.now() / 1_000),
      userIdentity: user,
      kind: channel,
      vendor: userAgent,
      hashrateHps: 0
    })
    this.#submits = new LoadSubmits(deps)
    this.#line = new LoadLine(
      { ...options, readyWithinMs: READY_WITHIN_MS },
      {
        stamp: () => deps.watch.stamp(),
        onConnected: () => this.#line.write(this.#miner.act1),
        onBytes: (bytes, atMs) => this.#read(bytes, atMs),
        onLost: why => deps.onLost(this, why)
      }
    )
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get unanswered(): number {
    return this.#submits.unanswered
  }

  get traffic(): CrowdMiner['traffic'] {
    return this.#line.traffic
  }

  work(hashes: number): boolean {
    const ground = this.#ground ?? this.#nextGround()
    if (ground === null) return false
    const { nonce, isSpent } = this.#submits.search(ground, hashes)
    if (isSpent || (nonce !== null && this.#options.roots === 'each')) this.#ground = null
    if (nonce === null) return false
    const { jobId, timeSec, version, extranonce } = ground
    const sequenceNumber = this.#nextSequenceNumber++
    this.#submits.sent(sequenceNumber)
    this.#line.write(this.#miner.submit({ sequenceNumber, jobId, nonce, timeSec, version, extranonce }))
    return true
  }

  #read(bytes: Uint8Array, atMs: number): void {
    try {
      // What is kept of a job is part of what was opened, not of the buffer that all sockets read into.
      const { say, news } = this.#miner.received(bytes)
      if (say.length > 0) this.#line.write(say)
      for (const one of news) this.#heard(one, atMs)
    } catch (error) {
      this.#line.giveUp((error as Error).message)
    }
  }

  #heard(news: V2News, atMs: number): void {
    switch (news.type) {
      case 'opened':
        break
      case 'job':
        this.#toldJob(news, atMs)
        break
      case 'accepted':
        // One message says so of all shares before it.
        for (let left = this.#submits.oldestAccepted(news.count, atMs); left > 0; left--) this.#deps.onAnswer(this)
        break
      case 'rejected':
        if (this.#submits.answered(news.sequenceNumber, news.reason, atMs)) this.#deps.onAnswer(this)
        break
      case 'refused':
        this.#line.giveUp(`channel refused: ${news.reason}`)
        break
      default:
        news satisfies never
    }
  }

  #toldJob({ job, isNewBlock }: Extract<V2News, { readonly type: 'job' }>, atMs: number): void {
    const { message } = job
    // A standard job says nothing of its transactions.
    const isFull = message.name === 'NewExtendedMiningJob' && message.fields.merklePath.length > 0
    const isNews = this.#isReady
    if (isNewBlock) {
      this.#prevHash = notifyHash(job.prevHash)
      this.#hasFullJob = false
      if (isNews) this.#deps.watch.heard(this.#prevHash, 'any', atMs)
    }
    if (isFull && !this.#hasFullJob) {
      if (isNews) this.#deps.watch.heard(this.#prevHash, 'full', atMs)
      this.#hasFullJob = true
    }
    this.#ground = null
    if (this.#isReady) return
    this.#isReady = true
    this.#line.gotWork()
    this.#deps.onReady(this)
  }

  #nextGround(): JobGround | null {
    const { channel } = this.#miner
    const { job } = channel
    if (job === null) return null
    const extranonce = new Uint8Array(channel.extranonceBytes)
    if (extranonce.length >= 4)
      new DataView(extranonce.buffer).setUint32(extranonce.length - 4, ++this.#extranonceCounter)
    const { jobId, timeSec, version, target } = job
    this.#ground = {
      jobId,
      timeSec,
      version,
      extranonce,
      header: channel.headerFor(job, extranonce),
      target,
      nextNonce: 0
    }
    return this.#ground
  }
}

/** As a notify of V1 has it, which is how blocks are told apart here: the eight words of the header, each the wrong way round. */
function notifyHash(prevHash: Uint8Array): string {
  return bytesToHex(Uint8Array.from(prevHash, (_, at) => prevHash[(at & ~3) + 3 - (at & 3)] ?? 0))
}
