import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { bytesToHex, type Target } from '@p2poolv2/primitives'
import { grind, V2Miner, type V2News } from '@p2poolv2/stratum/client'
import type { CrowdMiner, CrowdMinerDeps } from './crowd-miner.ts'

/** A server gives work within a second or never; a thousand handshakes of one computer take longer. */
const READY_WITHIN_MS = 120_000
const NONCES = 0x1_0000_0000
/** Read into by every socket of this process, one after the other; nothing of it is kept. */
const received = Buffer.alloc(256 * 1024)

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

interface Ground {
  readonly jobId: number
  readonly timeSec: number
  readonly version: number
  readonly extranonce: Uint8Array
  readonly header: Uint8Array
  readonly target: Target
  nextNonce: number
}

/** One connection of the load that speaks Stratum V2, with one channel. */
export class SealedLoadMiner implements CrowdMiner {
  readonly #options: SealedLoadMinerOptions
  readonly #deps: CrowdMinerDeps
  readonly #socket: Socket
  readonly #miner: V2Miner
  readonly #patience: NodeJS.Timeout
  /** When each share that has no answer yet was sent, by sequence number, the oldest first. */
  readonly #pending = new Map<number, number>()
  #isReady = false
  #nextSequenceNumber = 1
  #extranonceCounter = 0
  #ground: Ground | null = null
  #prevHash = ''
  #hasFullJob = false
  #lostBecause = 'hung up by the server'

  constructor(options: SealedLoadMinerOptions, deps: CrowdMinerDeps) {
    this.#options = options
    this.#deps = deps
    const { host, port, localAddress, authorityKey, channel, user, userAgent } = options
    this.#miner = new V2Miner({
      entropy: { secret: randomBytes(32), encoding: randomBytes(32) },
      authorityKey,
      nowSec: Math.floor(Date.now() / 1_000),
      userIdentity: user,
      kind: channel,
      vendor: userAgent,
      hashrateHps: 0
    })
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
      onread: {
        buffer: received,
        callback: bytes => {
          this.#read(received.subarray(0, bytes), deps.watch.stamp())
          return true
        }
      }
    })
    this.#patience = setTimeout(() => this.#giveUp('no work in time'), READY_WITHIN_MS)
    this.#socket.once('connect', () => this.#socket.write(this.#miner.act1))
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lostBecause = error.code ?? error.message
    })
    this.#socket.once('close', () => {
      clearTimeout(this.#patience)
      deps.onLost(this, this.#lostBecause)
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get unanswered(): number {
    return this.#pending.size
  }

  get traffic(): { readonly writtenBytes: number; readonly readBytes: number } {
    return { writtenBytes: this.#socket.bytesWritten, readBytes: this.#socket.bytesRead }
  }

  work(hashes: number): boolean {
    const ground = this.#ground ?? this.#nextGround()
    if (ground === null) return false
    const startedAtMs = this.#deps.nowMs()
    const first = ground.nextNonce
    const nonce = grind(ground.header, ground.target, { firstNonce: first, count: hashes })
    const done = nonce < 0 ? hashes : nonce - first + 1
    ground.nextNonce += done
    this.#deps.ledger.hashed(done, this.#deps.nowMs() - startedAtMs)
    if (ground.nextNonce >= NONCES || (nonce >= 0 && this.#options.roots === 'each')) this.#ground = null
    if (nonce < 0) return false
    const { jobId, timeSec, version, extranonce } = ground
    const sequenceNumber = this.#nextSequenceNumber++
    this.#pending.set(sequenceNumber, this.#deps.nowMs())
    this.#deps.ledger.sent()
    this.#socket.write(this.#miner.submit({ sequenceNumber, jobId, nonce, timeSec, version, extranonce }))
    return true
  }

  #read(bytes: Uint8Array, atMs: number): void {
    try {
      // What is kept of a job is part of what was opened, not of the buffer that all sockets read into.
      const { say, news } = this.#miner.received(bytes)
      if (say.length > 0) this.#socket.write(say)
      for (const one of news) this.#heard(one, atMs)
    } catch (error) {
      this.#giveUp((error as Error).message)
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
        this.#accepted(news.count, atMs)
        break
      case 'rejected':
        this.#answered(news.sequenceNumber, news.reason, atMs)
        break
      case 'refused':
        this.#giveUp(`channel refused: ${news.reason}`)
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
      this.#prevHash = bytesToHex(job.prevHash)
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
    clearTimeout(this.#patience)
    this.#deps.onReady(this)
  }

  /** One message says so of all shares before it. */
  #accepted(count: number, atMs: number): void {
    let left = count
    for (const sequenceNumber of this.#pending.keys()) {
      if (left-- === 0) return
      this.#answered(sequenceNumber, null, atMs)
    }
    for (; left > 0; left--) this.#deps.ledger.unmatched()
  }

  #answered(sequenceNumber: number, refusal: string | null, atMs: number): void {
    const sentAtMs = this.#pending.get(sequenceNumber)
    if (sentAtMs === undefined) {
      this.#deps.ledger.unmatched()
      return
    }
    this.#pending.delete(sequenceNumber)
    this.#deps.ledger.answer(refusal, atMs - sentAtMs)
    this.#deps.onAnswer(this)
  }

  #giveUp(why: string): void {
    this.#lostBecause = why
    this.#socket.destroy()
  }

  #nextGround(): Ground | null {
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
