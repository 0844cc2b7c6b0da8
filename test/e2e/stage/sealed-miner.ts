import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { grind, V2Channel, V2Link } from '@p2poolv2/stratum/client'
import { authorityFromText, keyPairFrom } from '@p2poolv2/stratum/sv2'

/** Tries of a turn, and the rest after it: some ten thousand hashes a second. */
const TURN_HASHES = 500
const REST_MS = 50
const MAX_TARGET = new Uint8Array(32).fill(0xff)
const HASHRATE_HPS = 10_000

/** A CPU miner that speaks Stratum V2 and hashes without pause until it is stopped. */
export class SealedMiner {
  readonly channel = new V2Channel(1)
  accepted = 0
  readonly refused: string[] = []
  readonly #socket: Socket
  readonly #link: V2Link
  #nextNonce = 0
  #jobId = -1
  #timer: NodeJS.Timeout | null = null

  private constructor(socket: Socket, link: V2Link) {
    this.#socket = socket
    this.#link = link
  }

  /** @param url as the node gives it: `stratum2+tcp://host:port/KEY` */
  static async start(url: string, userIdentity: string, kind: 'standard' | 'extended'): Promise<SealedMiner> {
    const [, host = '', port = '', key = ''] = /^stratum2\+tcp:\/\/(.*):(\d+)\/(\w+)$/.exec(url) ?? []
    const ephemeral = keyPairFrom({ secret: randomBytes(32), encoding: randomBytes(32) })
    if (ephemeral === null) throw new Error('32 random bytes are a key')
    const link = new V2Link({ ephemeral, authority: authorityFromText(key), nowSec: Math.floor(Date.now() / 1000) })
    const socket = connect({ host, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    const miner = new SealedMiner(socket, link)
    socket.on('error', () => {})
    socket.on('data', (bytes: Uint8Array) => miner.#read(bytes, { userIdentity, kind }))
    socket.write(link.act1)
    miner.#work()
    return miner
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

  #read(bytes: Uint8Array, opening: { readonly userIdentity: string; readonly kind: 'standard' | 'extended' }): void {
    const wasReady = this.#link.isReady
    const messages = this.#link.received(bytes)
    if (!wasReady && this.#link.isReady) this.#open(opening)
    for (const message of messages) {
      this.channel.told(message)
      if (message.name === 'SubmitSharesSuccess') this.accepted += message.fields.newSubmitsAcceptedCount
      else if (message.name === 'SubmitSharesError') this.refused.push(message.fields.errorCode)
    }
  }

  #open({ userIdentity, kind }: { readonly userIdentity: string; readonly kind: 'standard' | 'extended' }): void {
    const device = { vendor: 'stage', hardwareVersion: '', firmware: '', deviceId: '' }
    const versions = { protocol: 0, minVersion: 2, maxVersion: 2, flags: 0 }
    this.#socket.write(
      this.#link.seal('SetupConnection', { ...versions, endpointHost: '', endpointPort: 0, ...device })
    )
    const open = { requestId: 1, userIdentity, nominalHashrateHps: HASHRATE_HPS, maxTarget: MAX_TARGET }
    this.#socket.write(
      kind === 'standard'
        ? this.#link.seal('OpenStandardMiningChannel', open)
        : this.#link.seal('OpenExtendedMiningChannel', { ...open, minExtranonceBytes: 2 })
    )
  }

  readonly #work = (): void => {
    this.#timer = setTimeout(this.#work, REST_MS)
    const { job, channelId } = this.channel
    if (job === null || channelId === null) return
    if (job.jobId !== this.#jobId) this.#nextNonce = 0
    this.#jobId = job.jobId
    const extranonce = new Uint8Array(this.channel.extranonceBytes)
    const header = this.channel.headerFor(job, extranonce)
    const nonce = grind(header, job.target, { firstNonce: this.#nextNonce, count: TURN_HASHES })
    this.#nextNonce = nonce < 0 ? this.#nextNonce + TURN_HASHES : nonce + 1
    if (nonce < 0) return
    const { jobId, timeSec, version } = job
    const share = { channelId, sequenceNumber: this.#nextNonce, jobId, nonce, timeSec, version }
    this.#socket.write(
      extranonce.length === 0
        ? this.#link.seal('SubmitSharesStandard', share)
        : this.#link.seal('SubmitSharesExtended', { ...share, extranonce })
    )
  }
}
