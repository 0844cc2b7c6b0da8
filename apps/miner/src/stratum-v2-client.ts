import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { minerJobOf, V2Miner, type V2News } from '@p2poolv2/stratum/client'
import { KeptLine } from './kept-line.ts'
import { EXTRANONCE2_BYTES, type FoundShare, type MinerClient, type MinerClientHandlers } from './miner-client.ts'

export interface StratumV2ClientOptions {
  readonly host: string
  readonly port: number
  /** As the server gives it, base58check; null: whoever answers is believed. */
  readonly authorityKey: string | null
  /** Address, hints and name (sv2 §5.5). */
  readonly user: string
  readonly vendor: string
  /** What the miner expects to do a second; 0 where it does not know. */
  readonly hashrateHps: number
}

/** Jobs whose version is remembered: shares of older ones are of no use. */
const MAX_JOBS = 16

/** A Stratum V2 client with one extended channel; reconnects for ever. */
export class StratumV2Client implements MinerClient {
  readonly #options: StratumV2ClientOptions
  readonly #handlers: MinerClientHandlers
  readonly #line: KeptLine
  #miner: V2Miner | null = null
  #nextSequenceNumber = 1
  /** By job. */
  #versions = new Map<string, number>()

  constructor(options: StratumV2ClientOptions, handlers: MinerClientHandlers) {
    this.#options = options
    this.#handlers = handlers
    this.#line = new KeptLine(options, {
      onBegun: socket => this.#begin(socket),
      onLost: message => handlers.onState('disconnected', message)
    })
  }

  start(): void {
    this.#line.start()
  }

  stop(): void {
    this.#line.stop()
  }

  submit({ jobId, extranonce2, timeHex, nonce }: FoundShare): void {
    const version = this.#versions.get(jobId)
    if (version === undefined || this.#miner === null) return
    const sequenceNumber = this.#nextSequenceNumber++
    const timeSec = Number.parseInt(timeHex, 16)
    const share = {
      sequenceNumber,
      jobId: Number(jobId),
      nonce: nonce >>> 0,
      timeSec,
      version,
      extranonce: extranonce2
    }
    this.#line.write(this.#miner.submit(share))
  }

  #begin(socket: Socket): void {
    const { authorityKey, user, vendor, hashrateHps } = this.#options
    const miner = new V2Miner({
      entropy: { secret: randomBytes(32), encoding: randomBytes(32) },
      authorityKey,
      nowSec: Math.floor(Date.now() / 1_000),
      userIdentity: user,
      kind: 'extended',
      vendor,
      hashrateHps
    })
    this.#versions.clear()
    this.#miner = null
    socket.on('connect', () => socket.write(miner.act1))
    socket.on('data', (bytes: Uint8Array) => {
      try {
        const { say, news } = miner.received(bytes)
        if (say.length > 0) socket.write(say)
        for (const one of news) this.#heard(one, miner)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
  }

  #heard(news: V2News, miner: V2Miner): void {
    const { onJob, onResult, onState } = this.#handlers
    switch (news.type) {
      case 'opened':
        if (miner.channel.extranonceBytes !== EXTRANONCE2_BYTES)
          throw new Error('the server leaves another extranonce than asked for')
        this.#miner = miner
        onState('connected', `mining as ${this.#options.user}`)
        break
      case 'job': {
        const job = minerJobOf(news.job)
        if (job === null) throw new Error('the server gave a standard job on an extended channel')
        for (const oldest of this.#versions.keys()) {
          if (this.#versions.size < MAX_JOBS) break
          this.#versions.delete(oldest)
        }
        this.#versions.set(job.id, news.job.version)
        onJob(job, miner.channel.extranoncePrefix, news.job.target)
        break
      }
      case 'accepted':
        for (let share = 0; share < news.count; share++) onResult(true, null)
        break
      case 'rejected':
        onResult(false, news.reason)
        break
      case 'refused':
        onState('refused', news.reason)
        throw new Error(`the server ended the channel: ${news.reason}`)
      default:
        news satisfies never
    }
  }
}
