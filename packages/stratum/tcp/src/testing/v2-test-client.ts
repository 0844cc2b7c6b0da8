import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { grind, V2Channel, type V2Job, V2Link } from '@p2poolv2/stratum/client'
import { authorityFromText, type Fields, type Message, type MessageName } from '@p2poolv2/stratum/sv2'
import { newKeyPair } from '../v2/noise-identity.ts'
import { NOW_SEC } from './v2-pool.ts'

export const EASIEST = new Uint8Array(32).fill(0xff)
export const USER = 'bc1qexampleaddr.w'

export interface ConnectOptions {
  /** Null: whoever answers is believed. */
  readonly authority?: string | null
  readonly nowSec?: number
}

/** A miner's end of a Stratum V2 connection over a real socket. */
export class V2TestClient {
  readonly socket: Socket
  readonly link: V2Link
  readonly messages: Message[] = []
  /** Why the connection cannot go on, if the client saw so. */
  fault: Error | null = null
  #wake: (() => void) | null = null
  readonly #channels: V2Channel[] = []
  #requests = 0
  #isClosed = false

  constructor(socket: Socket, link: V2Link) {
    this.socket = socket
    this.link = link
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  /** Connects and shakes hands. */
  static async connect(port: number, options: ConnectOptions = {}): Promise<V2TestClient> {
    const client = await V2TestClient.dial(port, options)
    client.socket.write(client.link.act1)
    await client.#until(() => client.link.isReady)
    return client
  }

  /** Connects, and says nothing yet. */
  static async dial(port: number, { authority = null, nowSec = NOW_SEC }: ConnectOptions = {}): Promise<V2TestClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const key = authority === null ? null : authorityFromText(authority)
    return new V2TestClient(socket, new V2Link({ ephemeral: newKeyPair(), authority: key, nowSec }))
  }

  /** The handshake and the set-up. */
  static async setUp(port: number, setUp: Partial<Fields<'SetupConnection'>> = {}): Promise<V2TestClient> {
    const client = await V2TestClient.connect(port)
    client.setUp(setUp)
    await client.next('SetupConnectionSuccess')
    return client
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  setUp(fields: Partial<Fields<'SetupConnection'>>): void {
    this.send('SetupConnection', { ...SET_UP, ...fields })
  }

  send<N extends MessageName>(name: N, fields: Fields<N>): void {
    this.socket.write(this.link.seal(name, fields))
  }

  /** The next message, which is of this name. */
  async next<N extends MessageName>(name: N): Promise<Fields<N>> {
    await this.#until(() => this.messages.length > 0)
    const message = this.messages.shift()
    if (message?.name !== name) throw new Error(`${message?.name} came where ${name} should: ${text(message)}`)
    return message.fields as Fields<N>
  }

  /** The next message of this name; others before it are dropped. */
  async find<N extends MessageName>(name: N): Promise<Fields<N>> {
    for (;;) {
      await this.#until(() => this.messages.length > 0)
      const message = this.messages.shift()
      if (message?.name === name) return message.fields as Fields<N>
    }
  }

  /** Asks for a channel and waits for its first job. */
  async open(
    kind: 'standard' | 'extended',
    fields: Partial<Fields<'OpenExtendedMiningChannel'>> = {}
  ): Promise<V2Channel> {
    const channel = this.ask(kind, fields)
    await this.#until(() => channel.job !== null || channel.closedBecause !== null)
    if (channel.closedBecause !== null) throw new Error(`no channel: ${channel.closedBecause}`)
    this.messages.length = 0
    return channel
  }

  /** Asks for a channel. */
  ask(kind: 'standard' | 'extended', fields: Partial<Fields<'OpenExtendedMiningChannel'>> = {}): V2Channel {
    const requestId = fields.requestId ?? ++this.#requests
    const channel = new V2Channel(requestId)
    this.#channels.push(channel)
    const open = { requestId, userIdentity: USER, nominalHashrateHps: 0, maxTarget: EASIEST, ...fields }
    if (kind === 'standard') this.send('OpenStandardMiningChannel', open)
    else this.send('OpenExtendedMiningChannel', { minExtranonceBytes: 2, ...open })
    return channel
  }

  /** Resolves when the channel has another job than this one. */
  async newJob(channel: V2Channel, than: V2Job | null): Promise<V2Job> {
    await this.#until(() => channel.job !== null && channel.job !== than)
    if (channel.job === null) throw new Error('there is a job')
    return channel.job
  }

  /** A share for the channel's job, found and sent. */
  share(channel: V2Channel, options: ShareOptions = {}): Fields<'SubmitSharesExtended'> {
    const submit = shareFor(channel, options)
    this.submit(channel, submit)
    return submit
  }

  submit(channel: V2Channel, submit: Fields<'SubmitSharesExtended'>): void {
    if (channel.extranonceBytes === 0) this.send('SubmitSharesStandard', submit)
    else this.send('SubmitSharesExtended', submit)
  }

  /** Resolves when the server has hung up. */
  async ended(): Promise<void> {
    await this.#until(() => this.#isClosed)
  }

  #read(bytes: Uint8Array): void {
    try {
      for (const message of this.link.received(bytes)) {
        for (const channel of this.#channels) channel.told(message)
        this.messages.push(message)
      }
    } catch (error) {
      this.fault = error as Error
      this.socket.destroy()
    }
    this.#wake?.()
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#isClosed) throw this.fault ?? new Error(`closed; last came ${this.messages.map(text).join(' ')}`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

export const SET_UP: Fields<'SetupConnection'> = {
  protocol: 0,
  minVersion: 2,
  maxVersion: 2,
  flags: 0,
  endpointHost: '127.0.0.1',
  endpointPort: 3336,
  vendor: 'tester',
  hardwareVersion: '',
  firmware: '',
  deviceId: ''
}

export interface ShareOptions {
  readonly sequenceNumber?: number
  readonly extranonce?: Uint8Array
  readonly timeSec?: number
  readonly version?: number
  readonly job?: V2Job | null
  /** Default: the job's. */
  readonly target?: Uint8Array
  readonly firstNonce?: number
}

/** What proves some work on a job. */
export function shareFor(channel: V2Channel, options: ShareOptions = {}): Fields<'SubmitSharesExtended'> {
  const { job = channel.job } = options
  if (job === null) throw new Error('there is no job')
  const { sequenceNumber = 1, timeSec = job.timeSec, version = job.version, firstNonce = 0 } = options
  const extranonce = options.extranonce ?? new Uint8Array(channel.extranonceBytes)
  const header = channel.headerFor(job, extranonce, { version, timeSec })
  const nonce = grind(header, options.target ?? job.target, { firstNonce, count: 100_000_000 })
  return { channelId: channel.channelId ?? 0, sequenceNumber, jobId: job.jobId, nonce, timeSec, version, extranonce }
}

function text(message: Message | undefined): string {
  return message === undefined ? 'nothing' : `${message.name} ${JSON.stringify(message.fields, plain)}`
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint'
    ? String(value)
    : value instanceof Uint8Array
      ? Buffer.from(value).toString('hex')
      : value
}
