import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { asciiToBytes, bytesEqual, concatBytes, type Moment, steadyMs, unixMs } from '@p2poolv2/primitives'
import { V2Connection } from '@p2poolv2/stratum'
import {
  ACT_1_BYTES,
  authorityFromText,
  authorityText,
  FRAME_HEADER_BYTES,
  FrameOpener,
  frameOf,
  keyPairFrom,
  type Message,
  portableCipher,
  readHead,
  readMessage,
  respond,
  sealFrame
} from '@p2poolv2/stratum/sv2'
import type { MinerSession, SessionEvent } from '../../../packages/stratum/src/contract.ts'
import { ADDRESS, authorise, NO_LIMITS, SETTINGS } from '../../../packages/stratum/src/testing/session-rig.ts'
import { jobOf, PREV_HASH_B, TEMPLATE_A, workOf } from '../../../packages/stratum/src/testing/vectors.ts'
import { StratumV2 } from '../../../packages/stratum/src/v2/stratum-v2.ts'
import { userIdentityOf } from '../../../packages/stratum/src/v2/user-identity.ts'
import { type ProxyHeader, readProxyHeader } from '../../../packages/stratum/tcp/src/proxy-header.ts'
import { MAX_PAYLOAD_BYTES } from '../../../packages/stratum/tcp/src/v2/sealed-reader.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { isCodecError, latin1 } from './same.ts'

const SET_UP = frameOf('SetupConnection', {
  protocol: 0,
  minVersion: 2,
  maxVersion: 2,
  flags: 0,
  endpointHost: 'pool',
  endpointPort: 3336,
  vendor: 'SRI',
  hardwareVersion: 'BM1370',
  firmware: '1',
  deviceId: 'a'
})
const MAX_TARGET = new Uint8Array(32).fill(0xff)
const OPEN = { requestId: 1, userIdentity: `${ADDRESS},d=1.w`, nominalHashrateHps: 1e12, maxTarget: MAX_TARGET }
const SUBMIT = {
  channelId: 1,
  sequenceNumber: 1,
  jobId: 1,
  nonce: 7,
  timeSec: TEMPLATE_A.timeSec,
  version: 0x2000_0000
}
const PREV_HASH = new Uint8Array(32).fill(7)
/** One of each message. */
const FRAMES: readonly Uint8Array[] = [
  SET_UP,
  frameOf('OpenStandardMiningChannel', OPEN),
  frameOf('OpenExtendedMiningChannel', { ...OPEN, minExtranonceBytes: 4 }),
  frameOf('SubmitSharesStandard', SUBMIT),
  frameOf('SubmitSharesExtended', { ...SUBMIT, extranonce: new Uint8Array(8) }),
  frameOf('UpdateChannel', { channelId: 1, nominalHashrateHps: 5e13, maximumTarget: MAX_TARGET }),
  frameOf('CloseChannel', { channelId: 1, reasonCode: 'bye' }),
  frameOf('RequestExtensions', { requestId: 3, requested: [1, 2] }),
  frameOf('NewMiningJob', { channelId: 1, jobId: 1, minTimeSec: 5, version: 1, merkleRoot: PREV_HASH }),
  frameOf('NewExtendedMiningJob', {
    channelId: 1,
    jobId: 1,
    minTimeSec: null,
    version: 1,
    versionRollingAllowed: true,
    merklePath: concatBytes(PREV_HASH, PREV_HASH),
    coinbasePrefix: new Uint8Array(40),
    coinbaseSuffix: new Uint8Array(30)
  }),
  frameOf('SetCustomMiningJob', {
    channelId: 1,
    requestId: 1,
    token: new Uint8Array(3),
    version: 1,
    prevHash: PREV_HASH,
    minTimeSec: 1,
    bits: 1,
    coinbaseVersion: 1,
    coinbasePrefix: new Uint8Array(9),
    coinbaseSequence: 1,
    coinbaseOutputs: new Uint8Array(20),
    coinbaseLocktime: 1,
    merklePath: PREV_HASH
  }),
  frameOf('SetGroupChannel', { groupChannelId: 1, channelIds: [1, 2, 3] }),
  frameOf('SubmitSharesSuccess', {
    channelId: 1,
    lastSequenceNumber: 1,
    newSubmitsAcceptedCount: 1,
    newSharesSum: 1n << 40n
  })
]

const message: Target<Message | null> = {
  name: 'stratum-v2-message',
  door: 'miners',
  maxBytes: 4_096,
  seeds: () => FRAMES,
  isRefusal: isCodecError,
  decode: bytes => (bytes.length < FRAME_HEADER_BYTES ? null : readMessage(bytes)),
  laws(read) {
    if (read === null) return
    const written = frameOf(read.name, read.fields as never)
    hold(isDeepStrictEqual(readMessage(written), read), 'is another message when it is written again')
    hold(readHead(written).payloadBytes === written.length - FRAME_HEADER_BYTES, 'says another length than it has')
  }
}

/** Whole frames one after the other, as their heads say. */
function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length; ) {
    const end = at + FRAME_HEADER_BYTES + readHead(bytes.subarray(at)).payloadBytes
    frames.push(bytes.slice(at, end))
    at = end
  }
  return frames
}

/** A connection with its channels, each of which has work as soon as it wants some. */
class V2Rig {
  readonly connection: V2Connection
  readonly sessions = new Map<number, MinerSession>()
  readonly protocol = new StratumV2()
  nowMs = steadyMs(TEMPLATE_A.timeSec * 1_000)
  sentBytes = 0
  isClosed = false
  #jobs = 0

  constructor() {
    this.connection = new V2Connection(this.nowMs)
  }

  get now(): Moment {
    return { steadyMs: this.nowMs, wallMs: unixMs(this.nowMs) }
  }

  receive(frame: Uint8Array): void {
    for (const effect of this.connection.received([frame], this.nowMs)) {
      if (effect.type === 'send') this.sentBytes += effect.frame.length
      else if (effect.type === 'gone') this.sessions.delete(effect.channel)
      else if (effect.type === 'close') this.isClosed = true
      else if (effect.type === 'pass') this.tell(effect.channel, { type: 'received', messages: effect.messages })
      else {
        const session = this.protocol.open(
          {
            ...SETTINGS,
            extranonce: { prefix: Uint8Array.of(10, 0, 0, effect.channel), minerBytes: 8 },
            sessionId: '00',
            connectedAtMs: this.nowMs,
            remote: '192.0.2.1:1',
            channel: effect.channel
          },
          {}
        )
        this.sessions.set(effect.channel, session)
        this.tell(effect.channel, { type: 'received', messages: effect.messages })
      }
    }
    this.connection.checkInvariants()
  }

  tell(channel: number, event: SessionEvent): void {
    const session = this.sessions.get(channel)
    if (session === undefined) return
    const events = [event]
    for (const next of events) {
      for (const effect of session.handle(next, this.now)) {
        if (effect.type === 'send') {
          this.sentBytes += effect.output.length
          this.connection.said(channel, effect.output as Uint8Array)
        } else if (effect.type === 'authorise') {
          const answer = authorise(effect.request)
          const { requestId } = effect
          events.push(
            answer.ok
              ? { type: 'authorised', requestId, identity: answer.identity }
              : { type: 'refused', requestId, message: answer.message }
          )
        } else if (effect.type === 'wantWork') {
          const job = jobOf(workOf(TEMPLATE_A), (++this.#jobs).toString(16).padStart(16, '0'))
          events.push({ type: 'work', job, oldestWorkId: 1, cleanJobs: false, limits: NO_LIMITS })
        } else if (effect.type === 'close') {
          this.sessions.delete(channel)
          this.connection.ended(channel, effect.reason, this.nowMs)
        }
      }
      session.checkInvariants(this.nowMs)
      if (!this.sessions.has(channel)) return
    }
  }

  pass(ms: number): void {
    this.nowMs = steadyMs(this.nowMs + ms)
    for (const [channel, session] of this.sessions) {
      if ((session.nextDeadlineMs ?? Number.POSITIVE_INFINITY) <= this.nowMs) this.tell(channel, { type: 'deadline' })
    }
    for (const effect of this.connection.sweep(this.nowMs)) if (effect.type === 'close') this.isClosed = true
  }
}

/** Frames for one connection, whose lowest type bit of an unknown extension lets time pass or brings a new block. */
const connection: Target<V2Rig> = {
  name: 'stratum-v2-connection',
  door: 'miners',
  maxBytes: 8_192,
  memoryBytes: 8 * 1024 * 1024,
  seeds: () => [
    concatBytes(...FRAMES.slice(0, 5)),
    concatBytes(...FRAMES.slice(0, 4), Uint8Array.of(0xff, 0x7f, 1, 0, 0, 0), ...FRAMES.slice(3, 8)),
    concatBytes(SET_UP, FRAMES[2] as Uint8Array, ...FRAMES.slice(4, 8)),
    concatBytes(SET_UP, FRAMES[7] as Uint8Array, FRAMES[10] as Uint8Array)
  ],
  decode(bytes) {
    const rig = new V2Rig()
    for (const frame of framesOf(bytes)) {
      if (rig.isClosed) break
      const { extension, type } = readHead(frame)
      if (extension === 0x7fff && type === 0) rig.pass(20_000)
      if (extension === 0x7fff && type === 1)
        for (const channel of rig.sessions.keys())
          rig.tell(channel, { type: 'newBlock', prevHash: PREV_HASH_B as never })
      rig.receive(frame)
    }
    return rig
  },
  laws(rig, bytes) {
    hold(rig.sessions.size <= 64, 'has more channels than there may be')
    hold(rig.sentBytes <= 16_384 + 64 * bytes.length, 'answers with much more than was said')
    for (const session of rig.sessions.values())
      hold(session.difficulty > 0 && Number.isFinite(session.difficulty), 'has a difficulty that is none')
  }
}

const KEY = new Uint8Array(32).fill(3)

/** Frames sealed as the other side seals them, in pieces, come out as they went in; what nobody sealed ends it. */
const transport: Target<readonly Uint8Array[]> = {
  name: 'stratum-v2-transport',
  door: 'miners',
  maxBytes: 2_048,
  // What is opened is sealed here first, piece by piece.
  memoryBytes: 32 * 1024 * 1024,
  seeds: () => [concatBytes(...FRAMES.slice(0, 4)), Uint8Array.of(0, 0, 1, 0, 0, 0), new Uint8Array(200).fill(0xff)],
  decode(bytes) {
    const sealer = portableCipher(KEY)
    const frames = framesOf(bytes).filter(frame => readHead(frame).payloadBytes === frame.length - FRAME_HEADER_BYTES)
    const opener = new FrameOpener(portableCipher(KEY), MAX_PAYLOAD_BYTES)
    const opened: Uint8Array[] = []
    const step = 1 + (bytes[0] ?? 0)
    const sealed = concatBytes(...frames.map(frame => sealFrame(frame, sealer)))
    for (let at = 0; at < sealed.length; at += step) {
      for (let rest = sealed.subarray(at, at + step); ; ) {
        const next = opener.next(rest)
        if (next.frame === null) {
          hold(next.fault === null, `ends with ${next.fault}`)
          break
        }
        opened.push(next.frame)
        rest = next.rest
      }
    }
    hold(opened.length === frames.length, 'loses frames')
    hold(
      opened.every((frame, i) => bytesEqual(frame, frames[i] as Uint8Array)),
      'opens other frames than were sealed'
    )
    return opened
  },
  laws(_, bytes) {
    const opener = new FrameOpener(portableCipher(KEY), MAX_PAYLOAD_BYTES)
    const { frame, fault } = opener.next(bytes)
    hold(frame === null, 'opens what nobody sealed')
    hold(bytes.length < FRAME_HEADER_BYTES + 16 || fault === 'not-sealed', 'waits for more of what nobody sealed')
  }
}

function key(byte: number) {
  const pair = keyPairFrom({ secret: new Uint8Array(32).fill(byte), encoding: new Uint8Array(32).fill(byte) })
  if (pair === null) throw new Error('such a key is one')
  return pair
}

const ours = { ephemeral: key(1), static: key(2), certificate: new Uint8Array(74), newCipher: portableCipher }

/** Every first act is one. */
const handshake: Target<ReturnType<typeof respond> | null> = {
  name: 'stratum-v2-handshake',
  door: 'miners',
  maxBytes: 80,
  // Big numbers of the curve, a new one for each step.
  memoryBytes: 32 * 1024 * 1024,
  seeds: () => [key(9).ellSwift, new Uint8Array(ACT_1_BYTES), new Uint8Array(ACT_1_BYTES).fill(0xff)],
  decode: bytes => (bytes.length < ACT_1_BYTES ? null : respond(bytes.slice(0, ACT_1_BYTES), ours)),
  laws: answer => hold(answer === null || answer.act2.length === 234, 'is answered with another length')
}

const identity: Target<ReturnType<typeof userIdentityOf>> = {
  name: 'stratum-v2-identity',
  door: 'miners',
  maxBytes: 512,
  seeds: () => [`${ADDRESS},p2p=p2pool1q,d=100.worker`, 'bitcoin:bc1q;md=5', '.a.b', ''].map(asBytes),
  decode: bytes => userIdentityOf(latin1(bytes)),
  laws({ user, worker }) {
    hold(/^[0-9A-Za-z]{0,256}$/.test(user), 'is paid to what no address is')
    hold(/^[0-9A-Za-z ._:@#()[\]+-]{0,64}$/.test(worker), 'has a worker with other signs')
  }
}

const authority: Target<Uint8Array | null> = {
  name: 'stratum-v2-authority',
  door: 'owner',
  maxBytes: 128,
  seeds: () => [
    asBytes(authorityText(new Uint8Array(32).fill(5))),
    asBytes('9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72')
  ],
  decode: bytes => authorityFromText(latin1(bytes)),
  laws(read, bytes) {
    if (read !== null) hold(authorityText(read) === latin1(bytes), 'is written as another text')
  }
}

const proxyHeader: Target<ProxyHeader> = {
  name: 'proxy-header',
  door: 'miners',
  maxBytes: 5_000,
  seeds: () => {
    const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
    const ip6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, ...new Array<number>(11).fill(0), 7)
    return [
      asciiToBytes('PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n{'),
      asciiToBytes('PROXY TCP6 2001:db8::7 ::1 56324 443\r\n'),
      asciiToBytes('PROXY UNKNOWN\r\n'),
      concatBytes(signature, Uint8Array.of(0x21, 0x11, 0, 12, 192, 0, 2, 7, 192, 0, 2, 1, 0xdc, 4, 1, 0xbb)),
      concatBytes(signature, Uint8Array.of(0x21, 0x21, 0, 36), ip6, ip6, Uint8Array.of(0xdc, 4, 1, 0xbb)),
      concatBytes(signature, Uint8Array.of(0x20, 0, 0, 0))
    ]
  },
  decode: readProxyHeader,
  laws(header, bytes) {
    if (header.state !== 'read') return
    hold(header.bytes <= bytes.length, 'is longer than what was received')
    hold(isDeepStrictEqual(readProxyHeader(bytes.subarray(0, header.bytes)), header), 'is read from what follows it')
    for (const part of [header.bytes - 1, header.bytes >>> 1]) {
      hold(readProxyHeader(bytes.subarray(0, part)).state === 'more', 'is read before it is whole')
    }
    const { from } = header
    if (from === null) return
    hold(isIP(from.address) !== 0, 'comes from what is no address')
    hold(Number.isInteger(from.port) && from.port >= 0 && from.port <= 0xffff, 'comes from what is no port')
  }
}

export const TARGETS: readonly Target[] = [
  message,
  connection,
  transport,
  handshake,
  identity,
  authority,
  proxyHeader
] as Target[]
