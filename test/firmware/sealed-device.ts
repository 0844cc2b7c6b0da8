import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { difficultyOfHash } from '@p2poolv2/primitives'
import { grind, V2Channel, type V2Job, V2Link } from '@p2poolv2/stratum/client'
import { type Fields, keyPairFrom, type Message } from '@p2poolv2/stratum/sv2'
import { PAYEE } from './pool.ts'

/** ESP-Miner 5c27713 as its Stratum V2 code has it. Source: sv2 §0, §4, §5.6. */
export const ESP_MINER = {
  vendor: 'bitaxe',
  hardwareVersion: 'BM1370',
  /** It announces this whatever it is. */
  hashrateHps: 1e12,
  minExtranonceBytes: 2,
  maxPayloadBytes: 8_192,
  maxBranchNodes: 20,
  deadAfterMs: 180_000,
  retryMs: 5_000,
  /** What its chips roll, asked or not. */
  versionBits: 0x00a2_e000
} as const

/** All that it reads; what else comes is logged and skipped. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['SetupConnectionSuccess', 'OpenStandardMiningChannelSuccess', 'OpenExtendedMiningChannelSuccess'],
  ...['NewMiningJob', 'NewExtendedMiningJob', 'SetNewPrevHash', 'SetTarget', 'SubmitSharesSuccess', 'SubmitSharesError']
])
const MAX_TARGET = new Uint8Array(32).fill(0xff)
const MAX_HASHES = 20_000_000
const REMEMBERED_JOBS = 16
/** Fields of an extended job beside its branch and the two parts of its coinbase. */
const JOB_FIELD_BYTES = 23

export type ChannelKind = 'extended' | 'standard'

/** One bitaxe set to Stratum V2: says what it says, reads as it reads, and writes down what it would choke on. */
export class SealedDevice {
  readonly kind: ChannelKind
  /** What this firmware would not have borne. */
  readonly complaints: string[] = []
  /** By sequence number, in the order of the answers; null: accepted. */
  readonly verdicts: { readonly sequenceNumber: number; readonly refusal: string | null }[] = []
  /** Of every target that it has taken with a job. */
  readonly difficulties: number[] = []
  connections = 0
  heard = 0
  said = 0
  #channel = new V2Channel(1)
  #socket: Socket | null = null
  #link: V2Link | null = null
  #isSetUp = false
  #nextSequenceNumber = 0
  #unanswered: number[] = []
  #nextExtranonce = 0
  readonly #jobIds: number[] = []
  #unpairedTargets = 0
  #last: Fields<'SubmitSharesExtended'> | null = null
  #lastReadAtMs = 0
  #retryAtMs: number | null = null
  #nowMs = 0

  constructor(kind: ChannelKind) {
    this.kind = kind
  }

  get isOpen(): boolean {
    return this.#socket !== null && !this.#socket.destroyed && this.#socket.readyState === 'open'
  }

  get localPort(): number {
    return this.#socket?.localPort ?? 0
  }

  get job(): V2Job {
    const { job } = this.#channel
    if (job === null) throw new Error('the device has no job')
    return job
  }

  get accepted(): number {
    return this.verdicts.filter(({ refusal }) => refusal === null).length
  }

  async connect(port: number, nowMs: number): Promise<void> {
    const ephemeral = keyPairFrom({ secret: randomBytes(32), encoding: randomBytes(32) })
    if (ephemeral === null) throw new Error('32 random bytes are a key')
    const link = new V2Link({ ephemeral, authority: null, nowSec: Math.floor(nowMs / 1_000) })
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    this.#link = link
    this.#channel = new V2Channel(1)
    this.connections += 1
    this.heard = 0
    this.said = 0
    this.#isSetUp = false
    this.#unanswered = []
    this.#jobIds.length = 0
    this.#unpairedTargets = 0
    this.#nowMs = nowMs
    this.#lastReadAtMs = nowMs
    this.#retryAtMs = null
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.end())
    socket.on('data', (bytes: Uint8Array) => {
      const wasReady = link.isReady
      const messages = link.received(bytes)
      if (!wasReady && link.isReady) this.#setUp()
      for (const message of messages) this.#read(message)
    })
    await once(socket, 'connect')
    socket.write(link.act1)
  }

  /** The cable is pulled. */
  async cut(): Promise<void> {
    const socket = this.#socket
    if (socket === null || socket.destroyed) return
    socket.destroy()
    await once(socket, 'close')
  }

  /** @returns whether it wants to connect again now */
  tick(nowMs: number): 'connect' | 'wait' {
    this.#nowMs = nowMs
    if (!this.isOpen) {
      this.#retryAtMs ??= nowMs + ESP_MINER.retryMs
      return nowMs >= this.#retryAtMs ? 'connect' : 'wait'
    }
    const silentMs = nowMs - this.#lastReadAtMs
    if (silentMs > ESP_MINER.deadAfterMs) this.#complain(`no byte for ${silentMs / 1000} s: the pool is dead`)
    return 'wait'
  }

  /** Hashes for the job and submits what meets its target. */
  mine(job: V2Job = this.job): void {
    const extranonce = new Uint8Array(this.#channel.extranonceBytes)
    // It counts its part big-endian; on a standard channel it has none, and goes on with the nonces.
    const count = this.#nextExtranonce++
    if (extranonce.length > 0) new DataView(extranonce.buffer).setUint32(extranonce.length - 4, count)
    const version = (job.version ^ ESP_MINER.versionBits) >>> 0
    const header = this.#channel.headerFor(job, extranonce, { version })
    const firstNonce = extranonce.length > 0 ? 0 : count * 200_000
    const nonce = grind(header, job.target, { firstNonce, count: MAX_HASHES })
    if (nonce < 0) throw new Error('the device cannot mine at this target')
    const { jobId, timeSec } = job
    const channelId = this.#channel.channelId ?? 0
    this.#submit({ channelId, sequenceNumber: this.#nextSequenceNumber++, jobId, nonce, timeSec, version, extranonce })
  }

  /** The last share once more, as after an answer that was lost. */
  repeat(): void {
    if (this.#last === null) throw new Error('nothing was submitted')
    this.#submit({ ...this.#last, sequenceNumber: this.#nextSequenceNumber++ })
  }

  #submit(share: Fields<'SubmitSharesExtended'>): void {
    this.#last = share
    this.#unanswered.push(share.sequenceNumber)
    this.said += 1
    const name = this.kind === 'standard' ? 'SubmitSharesStandard' : 'SubmitSharesExtended'
    if (this.#link !== null) this.#socket?.write(this.#link.seal(name, share))
  }

  #setUp(): void {
    const { vendor, hardwareVersion } = ESP_MINER
    const flags = this.kind === 'standard' ? 1 : 0
    const versions = { protocol: 0, minVersion: 2, maxVersion: 2, flags }
    const device = { vendor, hardwareVersion, firmware: '', deviceId: '' }
    const where = { endpointHost: '127.0.0.1', endpointPort: 3336 }
    if (this.#link !== null)
      this.#socket?.write(this.#link.seal('SetupConnection', { ...versions, ...where, ...device }))
  }

  #open(): void {
    const { hashrateHps: nominalHashrateHps, minExtranonceBytes } = ESP_MINER
    const open = { requestId: 1, userIdentity: `${PAYEE}.rig`, nominalHashrateHps, maxTarget: MAX_TARGET }
    // The channel's session is given the set-up as well.
    this.said += 2
    const frame =
      this.kind === 'standard'
        ? this.#link?.seal('OpenStandardMiningChannel', open)
        : this.#link?.seal('OpenExtendedMiningChannel', { ...open, minExtranonceBytes })
    if (frame !== undefined) this.#socket?.write(frame)
  }

  #read(message: Message): void {
    this.#lastReadAtMs = this.#nowMs
    const { name } = message
    if (!KNOWN.has(name)) this.#complain(`skips ${name}`)
    if (!this.#isSetUp) {
      if (name === 'SetupConnectionSuccess') {
        this.#isSetUp = true
        this.#open()
      } else this.#complain(`takes ${name} for a refusal of its set-up`)
      return
    }
    const isOpening = this.#channel.channelId === null
    if (isOpening && !/^Open.*Success$/.test(name)) this.#complain(`takes ${name} for a refusal of its channel`)
    this.#check(message)
    if (this.#channel.told(message) === 'job') this.#began()
    if (name === 'SubmitSharesSuccess') {
      for (const sequenceNumber of this.#unanswered.splice(0, message.fields.newSubmitsAcceptedCount))
        this.verdicts.push({ sequenceNumber, refusal: null })
    } else if (name === 'SubmitSharesError') {
      const { sequenceNumber, errorCode: refusal } = message.fields
      this.#unanswered = this.#unanswered.filter(number => number !== sequenceNumber)
      this.verdicts.push({ sequenceNumber, refusal })
    }
    // After what it brings about, so that whoever waits for silence finds the answers said.
    this.heard += 1
  }

  #check(message: Message): void {
    if (message.name === 'SetTarget' && ++this.#unpairedTargets > 1)
      this.#complain('two targets without a job between them')
    if (message.name !== 'NewMiningJob' && message.name !== 'NewExtendedMiningJob') return
    const { jobId, minTimeSec } = message.fields
    if (minTimeSec === 0) this.#complain('takes a time of 0 for none')
    if (this.#jobIds.includes(jobId)) this.#complain(`had a job ${jobId} before`)
    this.#jobIds.push(jobId)
    if (this.#jobIds.length > REMEMBERED_JOBS) this.#jobIds.shift()
    if ((message.name === 'NewMiningJob') !== (this.kind === 'standard'))
      this.#complain(`${message.name} is not for its channel`)
    if (message.name !== 'NewExtendedMiningJob') return
    const { coinbasePrefix, coinbaseSuffix, merklePath } = message.fields
    const bytes = JOB_FIELD_BYTES + merklePath.length + coinbasePrefix.length + coinbaseSuffix.length
    if (bytes > ESP_MINER.maxPayloadBytes) this.#complain(`a message of ${bytes} bytes`)
    if (merklePath.length / 32 > ESP_MINER.maxBranchNodes) this.#complain(`a branch of ${merklePath.length / 32} nodes`)
  }

  #began(): void {
    this.#unpairedTargets = 0
    const difficulty = difficultyOfHash(this.job.target)
    if (this.difficulties.at(-1) !== difficulty) this.difficulties.push(difficulty)
  }

  #complain(what: string): void {
    this.complaints.push(what)
  }
}
