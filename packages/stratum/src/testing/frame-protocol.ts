import { asciiToBytes, concatBytes, type Moment, type SteadyMs, steadyMs, utf8ToString } from '@p2poolv2/primitives'
import type {
  MinerSession,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions,
  SessionProtocol
} from '../contract.ts'
import { ChannelSession } from '../mining/channel-session.ts'
import { MiningChannel } from '../mining/mining-channel.ts'

/** First byte of a frame. To the session: who the miner is; a submit. From it: work; the fate of a submit. */
export const FRAME = { login: 1, submit: 2, work: 3, accepted: 4, refused: 5 } as const

/** `user`, in ASCII. */
export function loginFrame(user: string): Uint8Array {
  return concatBytes(Uint8Array.of(FRAME.login), asciiToBytes(user))
}

/** Number of the job, time and nonce as u32, big-endian, then the miner's part of the extranonce. */
export function submitFrame(job: number, timeSec: number, nonce: number, extranonce: Uint8Array): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(12))
  for (const [index, number] of [job, timeSec, nonce].entries()) numbers.setUint32(4 * index, number)
  return concatBytes(Uint8Array.of(FRAME.submit), new Uint8Array(numbers.buffer), extranonce)
}

/** A protocol that has nothing in common with Stratum V1: to see that what is below the protocols fits another one. */
export class FrameProtocol implements SessionProtocol {
  open(options: SessionOptions, deps: SessionDeps): MinerSession {
    return new FrameSession(options, deps)
  }
}

class FrameSession extends ChannelSession implements MinerSession {
  readonly userAgent = ''
  readonly #options: SessionOptions
  readonly #channel: MiningChannel
  /** By their numbers, in the order sent. */
  readonly #jobIds: string[] = []
  #user = ''

  constructor(options: SessionOptions, deps: SessionDeps) {
    const channel = new MiningChannel(options, deps)
    super(options.remote, channel)
    this.#channel = channel
    this.#options = options
  }

  remains(): null {
    return null
  }

  sizeFit(): null {
    return null
  }

  get nextDeadlineMs(): SteadyMs | null {
    const { nextDeadlineMs } = this.#channel
    return Number.isFinite(nextDeadlineMs) ? steadyMs(nextDeadlineMs) : null
  }

  checkInvariants(nowMs: SteadyMs): void {
    this.#channel.checkInvariants(nowMs)
  }

  handle(event: SessionEvent, now: Moment): readonly SessionEffect[] {
    const nowMs = now.steadyMs
    const effects: SessionEffect[] = []
    if (event.type === 'received') for (const frame of event.messages) effects.push(...this.#frame(frame, now))
    else if (event.type === 'authorised') this.#channel.workers.add(this.#user, this.#user, event.identity)
    else if (event.type === 'newBlock') this.#channel.newBlock(event.prevHash, nowMs)
    else if (event.type === 'deadline') this.#channel.handleDeadline(nowMs)
    else if (event.type === 'work') {
      const { jobs } = this.#channel.assign(event, nowMs)
      const number = this.#jobIds.push(event.job.id) - 1
      effects.push({ type: 'send', output: Uint8Array.of(FRAME.work, number, jobs === 'clean' ? 1 : 0) })
    }
    if (this.identity !== null && this.#channel.takeNeed(nowMs)) effects.push({ type: 'wantWork' })
    return effects
  }

  #frame(frame: Uint8Array, now: Moment): readonly SessionEffect[] {
    if (frame[0] === FRAME.login) {
      this.#user = utf8ToString(frame.subarray(1))
      return [{ type: 'authorise', requestId: 1, request: { user: this.#user, worker: '', shareAddress: null } }]
    }
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    const submit = {
      jobId: this.#jobIds[view.getUint32(1)] ?? '',
      timeSec: view.getUint32(5),
      nonce: view.getUint32(9),
      extranonce: frame.slice(13),
      versionBits: null
    }
    const moment = { ...now, versionMask: this.#options.versionMask }
    const { refusal, solution } = this.#channel.submit(submit, this.#user, moment)
    const fate = Uint8Array.of(refusal === null ? FRAME.accepted : FRAME.refused)
    if (refusal !== null) this.#channel.reject(refusal.code, now.steadyMs)
    return [...(solution === null ? [] : [solution]), { type: 'send', output: fate }]
  }
}
