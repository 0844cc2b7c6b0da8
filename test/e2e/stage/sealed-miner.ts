import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { grind, type V2Channel, V2Miner } from '@p2poolv2/stratum/client'

/** Tries of a turn, and the rest after it: some ten thousand hashes a second. */
const TURN_HASHES = 500
const REST_MS = 50
const HASHRATE_HPS = 10_000

/** A CPU miner that speaks Stratum V2 and hashes without pause until it is stopped. */
export class SealedMiner {
  accepted = 0
  readonly refused: string[] = []
  readonly #socket: Socket
  readonly #miner: V2Miner
  #nextNonce = 0
  #jobId = -1
  #timer: NodeJS.Timeout | null = null

  private constructor(socket: Socket, miner: V2Miner) {
    this.#socket = socket
    this.#miner = miner
  }

  /** @param url as the node gives it: `stratum2+tcp://host:port/KEY` */
  static async start(url: string, userIdentity: string, kind: 'standard' | 'extended'): Promise<SealedMiner> {
    const [, host = '', port = '', key = ''] = /^stratum2\+tcp:\/\/(.*):(\d+)\/(\w+)$/.exec(url) ?? []
    const socket = connect({ host, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    const miner = new SealedMiner(
      socket,
      new V2Miner({
        entropy: { secret: randomBytes(32), encoding: randomBytes(32) },
        authorityKey: key,
        nowSec: Math.floor(Date.now() / 1000),
        userIdentity,
        kind,
        vendor: 'stage',
        hashrateHps: HASHRATE_HPS
      })
    )
    socket.on('error', () => {})
    socket.on('data', (bytes: Uint8Array) => miner.#read(bytes))
    socket.write(miner.#miner.act1)
    miner.#work()
    return miner
  }

  get channel(): V2Channel {
    return this.#miner.channel
  }

  /** The newest job's coinbase after the extranonce, in hex; '' without one, as on a standard channel. */
  get coinbaseSuffix(): string {
    const message = this.channel.job?.message
    return message?.name === 'NewExtendedMiningJob' ? Buffer.from(message.fields.coinbaseSuffix).toString('hex') : ''
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#socket.destroy()
  }

  #read(bytes: Uint8Array): void {
    const { say, news } = this.#miner.received(bytes)
    if (say.length > 0) this.#socket.write(say)
    for (const one of news) {
      if (one.type === 'accepted') this.accepted += one.count
      else if (one.type === 'rejected') this.refused.push(one.reason)
    }
  }

  readonly #work = (): void => {
    this.#timer = setTimeout(this.#work, REST_MS)
    const { job } = this.channel
    if (job === null) return
    if (job.jobId !== this.#jobId) this.#nextNonce = 0
    this.#jobId = job.jobId
    const extranonce = new Uint8Array(this.channel.extranonceBytes)
    const header = this.channel.headerFor(job, extranonce)
    const nonce = grind(header, job.target, { firstNonce: this.#nextNonce, count: TURN_HASHES })
    this.#nextNonce = nonce < 0 ? this.#nextNonce + TURN_HASHES : nonce + 1
    if (nonce < 0) return
    const { jobId, timeSec, version } = job
    const share = { sequenceNumber: this.#nextNonce, jobId, nonce, timeSec, version, extranonce }
    this.#socket.write(this.#miner.submit(share))
  }
}
