import { bytesEqual, concatBytes } from '@p2poolv2/primitives'
import { authorityFromText, type KeyEntropy, keyPairFrom, type Message, type NewCipher } from '@p2poolv2/stratum/sv2'
import { V2Channel, type V2Job } from './v2-channel.ts'
import { V2Link, V2LinkError } from './v2-link.ts'

export interface V2MinerOptions {
  /** For the key of this connection. */
  readonly entropy: KeyEntropy
  /** As the server gives it, in base58check; null: whoever answers is believed. */
  readonly authorityKey: string | null
  readonly nowSec: number
  readonly newCipher?: NewCipher
  /** Address, hints and name, as sv2 §5.5 has it. */
  readonly userIdentity: string
  readonly kind: 'standard' | 'extended'
  /** What the miner says it is. */
  readonly vendor: string
  readonly hashrateHps: number
}

/** What a server has said. */
export type V2News =
  | { readonly type: 'opened' }
  /** `isNewBlock`: bitcoin's tip is another one than before. The first job is on one, too. */
  | { readonly type: 'job'; readonly job: V2Job; readonly isNewBlock: boolean }
  /** The oldest `count` shares without an answer are good. */
  | { readonly type: 'accepted'; readonly count: number }
  | { readonly type: 'rejected'; readonly sequenceNumber: number; readonly reason: string }
  /** There is no channel, or none any more. In the server's words. */
  | { readonly type: 'refused'; readonly reason: string }

const REQUEST_ID = 1
/** The miner takes whatever difficulty it is given. */
const MAX_TARGET = new Uint8Array(32).fill(0xff)
const MIN_EXTRANONCE_BYTES = 8
const NOTHING = new Uint8Array()

/** One miner of Stratum V2 with a connection of its own: shakes hands, opens its channel, is told jobs, submits. Without IO. */
export class V2Miner {
  readonly channel = new V2Channel(REQUEST_ID)
  readonly #options: V2MinerOptions
  readonly #link: V2Link
  #hasOpened = false
  #prevHash: Uint8Array | null = null

  /** @throws V2LinkError when the authority's key is none */
  constructor(options: V2MinerOptions) {
    this.#options = options
    const { entropy, authorityKey } = options
    const authority = authorityKey === null ? null : authorityFromText(authorityKey)
    if (authorityKey !== null && authority === null) throw new V2LinkError(`${authorityKey} is no key of an authority`)
    const ephemeral = keyPairFrom(entropy)
    if (ephemeral === null) throw new V2LinkError('the one secret in 2^127 that is none was drawn: take another')
    this.#link = new V2Link({ ...options, ephemeral, authority })
  }

  /** To be written first. */
  get act1(): Uint8Array {
    return this.#link.act1
  }

  /**
   * @returns what to write, nothing most of the time, and what the server said
   * @throws V2LinkError when the server is not whom its authority knows, or what it sends does not open
   * @throws CodecError when a message is cut off
   */
  received(bytes: Uint8Array): { readonly say: Uint8Array; readonly news: readonly V2News[] } {
    const wasReady = this.#link.isReady
    const messages = this.#link.received(bytes)
    const say = !wasReady && this.#link.isReady ? [this.#setUp()] : []
    const news: V2News[] = []
    for (const message of messages) {
      if (message.name === 'SetupConnectionSuccess' && !this.#hasOpened) {
        this.#hasOpened = true
        say.push(this.#open())
      } else this.#told(message, news)
    }
    return { say: say.length === 0 ? NOTHING : concatBytes(...say), news }
  }

  /** What to write for a share. @param share `extranonce` is as long as the channel's `extranonceBytes` */
  submit(share: {
    readonly sequenceNumber: number
    readonly jobId: number
    readonly nonce: number
    readonly timeSec: number
    readonly version: number
    readonly extranonce: Uint8Array
  }): Uint8Array {
    const { extranonce, ...fields } = share
    const channelId = this.channel.channelId ?? 0
    return this.#options.kind === 'standard'
      ? this.#link.seal('SubmitSharesStandard', { ...fields, channelId })
      : this.#link.seal('SubmitSharesExtended', { ...fields, channelId, extranonce })
  }

  #setUp(): Uint8Array {
    const { vendor } = this.#options
    return this.#link.seal('SetupConnection', {
      ...{ protocol: 0, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: '', endpointPort: 0 },
      ...{ vendor, hardwareVersion: '', firmware: '', deviceId: '' }
    })
  }

  #open(): Uint8Array {
    const { userIdentity, kind, hashrateHps } = this.#options
    const open = { requestId: REQUEST_ID, userIdentity, nominalHashrateHps: hashrateHps, maxTarget: MAX_TARGET }
    return kind === 'standard'
      ? this.#link.seal('OpenStandardMiningChannel', open)
      : this.#link.seal('OpenExtendedMiningChannel', { ...open, minExtranonceBytes: MIN_EXTRANONCE_BYTES })
  }

  #told(message: Message, news: V2News[]): void {
    const { channelId, closedBecause } = this.channel
    const isJob = this.channel.told(message) === 'job'
    if (message.name === 'SetupConnectionError') news.push({ type: 'refused', reason: message.fields.errorCode })
    else if (message.name === 'SubmitSharesSuccess' && message.fields.channelId === channelId)
      news.push({ type: 'accepted', count: message.fields.newSubmitsAcceptedCount })
    else if (message.name === 'SubmitSharesError' && message.fields.channelId === channelId) {
      const { sequenceNumber, errorCode } = message.fields
      news.push({ type: 'rejected', sequenceNumber, reason: errorCode })
    } else if (this.channel.closedBecause !== closedBecause)
      news.push({ type: 'refused', reason: this.channel.closedBecause ?? '' })
    else if (this.channel.channelId !== channelId) news.push({ type: 'opened' })
    const { job } = this.channel
    if (!isJob || job === null) return
    const isNewBlock = this.#prevHash === null || !bytesEqual(job.prevHash, this.#prevHash)
    news.push({ type: 'job', job, isNewBlock })
    this.#prevHash = job.prevHash
  }
}
