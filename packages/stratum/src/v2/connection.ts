import { CodecError, invariant, type SteadyMs } from '@p2poolv2/primitives'
import { channelIdOf, type Fields, frameOf, type MessageName, messageName, readMessage } from '@p2poolv2/stratum/sv2'
import { setUpAnswer } from './set-up.ts'

/** Channels of a connection, and of one whose client is a single device by its name or has none. */
export const MAX_CHANNELS = 64
export const MAX_DEVICE_CHANNELS = 8
const ONE_DEVICE = /^(bitaxe.*)?$/i
/** Unknown messages before a connection is closed; one of an extension we do not have is none of the client's faults. */
export const MAX_UNKNOWN = 100
/** Without a channel for so long a connection is closed; proxies open theirs when their first miner comes. */
const IDLE_MS = 60_000
const IDLE_PROXY_MS = 3_600_000
const PROXY = /^SRI$/
/** Refused channels of a connection that has none, after which it is closed. */
const MAX_REFUSALS = 2

/** What a connection wants: to be done in this order. */
export type ConnectionEffect =
  /** A whole frame, to be sealed and written. */
  | { readonly type: 'send'; readonly frame: Uint8Array }
  /** A miner has come: its session is to be opened with this number, and told `messages`. */
  | { readonly type: 'open'; readonly channel: number; readonly messages: readonly Uint8Array[] }
  /** Frames for the session of a channel, in order. */
  | { readonly type: 'pass'; readonly channel: number; readonly messages: readonly Uint8Array[] }
  /** The client has closed a channel: its miner is gone. */
  | { readonly type: 'gone'; readonly channel: number }
  /** Write what was sent, then hang up; all its miners are gone. */
  | { readonly type: 'close'; readonly reason: ConnectionFault }

/** Why a connection ends itself. */
export type ConnectionFault =
  | 'undecodable'
  | 'not-set-up'
  | 'set-up-refused'
  | 'set-up-twice'
  | 'server-message'
  | 'invalid-requests'
  | 'refused'
  | 'no-channel'

/** What a channel has been told so far. */
interface Channel {
  readonly requestId: number
  state: 'asked' | 'open' | 'refused'
}

type Handled = Extract<
  MessageName,
  | 'SetupConnection'
  | 'OpenStandardMiningChannel'
  | 'OpenExtendedMiningChannel'
  | 'UpdateChannel'
  | 'CloseChannel'
  | 'SubmitSharesStandard'
  | 'SubmitSharesExtended'
  | 'SetCustomMiningJob'
  | 'RequestExtensions'
>

/**
 * One connection of Stratum V2: sets it up and hands its frames to the channels they are for, each of which is a miner with a
 * session of its own. Source: sv2 §3.1, §3.3.
 */
export class V2Connection {
  readonly #openedAtMs: SteadyMs
  #setUpFrame: Uint8Array | null = null
  #vendor = ''
  readonly #channels = new Map<number, Channel>()
  #lastChannel = 0
  #unknown = 0
  #refusals = 0
  #idleSinceMs: SteadyMs
  #isClosed = false
  #effects: ConnectionEffect[] = []
  /** Of the last `pass` among the effects. */
  #passed: Uint8Array[] = []

  constructor(nowMs: SteadyMs) {
    this.#openedAtMs = nowMs
    this.#idleSinceMs = nowMs
  }

  get isSetUp(): boolean {
    return this.#setUpFrame !== null
  }

  /** Those that sessions speak for. */
  get channels(): readonly number[] {
    return [...this.#channels.keys()]
  }

  /** All whole frames of one read, in order. */
  received(frames: readonly Uint8Array[], nowMs: SteadyMs): readonly ConnectionEffect[] {
    for (const frame of frames) {
      if (this.#isClosed) break
      try {
        this.#handle(frame, nowMs)
      } catch (error) {
        if (!(error instanceof CodecError)) throw error
        this.#close('undecodable')
      }
    }
    return this.#take()
  }

  /** Takes note of what a session says: whether its channel is open now. To be called before that is written. */
  said(channel: number, output: Uint8Array): void {
    const known = this.#channels.get(channel)
    if (known?.state !== 'asked') return
    known.state = messageName(output) === 'OpenMiningChannelError' ? 'refused' : 'open'
    if (known.state === 'open') this.#refusals = 0
  }

  /** The session of a channel has ended, or was ended. The client is told, unless it was told that there is no channel. */
  ended(channel: number, reasonCode: string, nowMs: SteadyMs): readonly ConnectionEffect[] {
    const known = this.#channels.get(channel)
    if (known === undefined) return []
    this.#forget(channel, nowMs)
    if (known.state === 'open') this.#send(frameOf('CloseChannel', { channelId: channel, reasonCode }))
    else {
      if (known.state === 'asked') this.#refuse(known.requestId)
      this.#refusals += 1
      if (this.#refusals >= MAX_REFUSALS && this.#channels.size === 0) this.#close('refused')
    }
    return this.#take()
  }

  /** To be called every few seconds: closes a connection that nobody uses. */
  sweep(nowMs: SteadyMs): readonly ConnectionEffect[] {
    const patienceMs = PROXY.test(this.#vendor) ? IDLE_PROXY_MS : IDLE_MS
    if (this.#channels.size === 0 && nowMs - this.#idleSinceMs >= patienceMs) this.#close('no-channel')
    return this.#take()
  }

  checkInvariants(): void {
    invariant(this.#channels.size <= MAX_CHANNELS, 'channels are within their cap')
    invariant(this.#channels.size === 0 || this.#setUpFrame !== null, 'a channel is of a connection that is set up')
    invariant(this.#idleSinceMs >= this.#openedAtMs, 'nobody is idle before he came')
  }

  #handle(frame: Uint8Array, nowMs: SteadyMs): void {
    const name = messageName(frame)
    if (this.#setUpFrame === null) {
      if (name === 'SetupConnection') this.#setUp(frame)
      else this.#close('not-set-up')
      return
    }
    if (name === null) {
      this.#unknown += 1
      if (this.#unknown > MAX_UNKNOWN) this.#close('invalid-requests')
    } else if (isHandled(name)) this.#handleKnown(name, frame, nowMs)
    else this.#close('server-message')
  }

  #handleKnown(name: Handled, frame: Uint8Array, nowMs: SteadyMs): void {
    switch (name) {
      case 'SetupConnection':
        this.#close('set-up-twice')
        break
      case 'OpenStandardMiningChannel':
      case 'OpenExtendedMiningChannel':
        this.#open(frame)
        break
      case 'CloseChannel': {
        const channel = channelIdOf(frame)
        readMessage(frame)
        if (!this.#channels.has(channel)) break
        this.#forget(channel, nowMs)
        this.#effects.push({ type: 'gone', channel })
        break
      }
      case 'UpdateChannel':
        if (!this.#pass(frame)) {
          const channelId = channelIdOf(frame)
          this.#send(frameOf('UpdateChannelError', { channelId, errorCode: 'invalid-channel-id' }))
        }
        break
      case 'SubmitSharesStandard':
      case 'SubmitSharesExtended':
        if (!this.#pass(frame)) this.#refuseSubmit(frame)
        break
      case 'SetCustomMiningJob': {
        const { channelId, requestId } = read('SetCustomMiningJob', frame)
        this.#send(frameOf('SetCustomMiningJobError', { channelId, requestId, errorCode: 'jd-not-supported' }))
        break
      }
      case 'RequestExtensions': {
        const { requestId, requested } = read('RequestExtensions', frame)
        this.#send(frameOf('RequestExtensionsError', { requestId, unsupported: requested, required: [] }))
        break
      }
      default:
        name satisfies never
    }
  }

  #setUp(frame: Uint8Array): void {
    const fields = read('SetupConnection', frame)
    const { ok, frame: answer } = setUpAnswer(fields)
    this.#send(answer)
    if (!ok) {
      this.#close('set-up-refused')
      return
    }
    this.#setUpFrame = frame
    this.#vendor = fields.vendor
  }

  #open(frame: Uint8Array): void {
    // Both kinds begin with it.
    const requestId = channelIdOf(frame)
    const most = ONE_DEVICE.test(this.#vendor) ? MAX_DEVICE_CHANNELS : MAX_CHANNELS
    if (this.#channels.size >= most) {
      readMessage(frame)
      this.#refuse(requestId)
      return
    }
    invariant(this.#setUpFrame !== null, 'a channel is opened after the connection is set up')
    const channel = ++this.#lastChannel
    this.#channels.set(channel, { requestId, state: 'asked' })
    this.#effects.push({ type: 'open', channel, messages: [this.#setUpFrame, frame] })
  }

  /** @returns false when there is no such channel */
  #pass(frame: Uint8Array): boolean {
    const channel = channelIdOf(frame)
    if (!this.#channels.has(channel)) {
      readMessage(frame)
      return false
    }
    const last = this.#effects.at(-1)
    if (last?.type === 'pass' && last.channel === channel) this.#passed.push(frame)
    else {
      this.#passed = [frame]
      this.#effects.push({ type: 'pass', channel, messages: this.#passed })
    }
    return true
  }

  #refuseSubmit(frame: Uint8Array): void {
    const message = readMessage(frame)
    if (message?.name !== 'SubmitSharesStandard' && message?.name !== 'SubmitSharesExtended') return
    const { channelId, sequenceNumber } = message.fields
    this.#send(frameOf('SubmitSharesError', { channelId, sequenceNumber, errorCode: 'invalid-channel-id' }))
  }

  #refuse(requestId: number): void {
    this.#send(frameOf('OpenMiningChannelError', { requestId, errorCode: 'channel-capacity-exhausted' }))
  }

  #send(frame: Uint8Array): void {
    this.#effects.push({ type: 'send', frame })
  }

  #forget(channel: number, nowMs: SteadyMs): void {
    this.#channels.delete(channel)
    if (this.#channels.size === 0) this.#idleSinceMs = nowMs
  }

  #close(reason: ConnectionFault): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#effects.push({ type: 'close', reason })
  }

  #take(): readonly ConnectionEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

const HANDLED: ReadonlySet<MessageName> = new Set<Handled>([
  'SetupConnection',
  'OpenStandardMiningChannel',
  'OpenExtendedMiningChannel',
  'UpdateChannel',
  'CloseChannel',
  'SubmitSharesStandard',
  'SubmitSharesExtended',
  'SetCustomMiningJob',
  'RequestExtensions'
])

function isHandled(name: MessageName): name is Handled {
  return HANDLED.has(name)
}

function read<N extends Handled>(name: N, frame: Uint8Array): Fields<N> {
  const message = readMessage(frame)
  invariant(message?.name === name, 'a frame is read as what it is')
  return message.fields as Fields<N>
}
