import {
  type BlockHash,
  bigIntFromTarget,
  blockHashFromWire,
  hashMeetsTarget,
  invariant,
  type SeededRng,
  sha256d80Into,
  type Target,
  targetFromBits,
  targetFromDifficulty
} from '@p2poolv2/primitives'
import { headerFor, parseNotify, parseSubscription, submitParams } from '@p2poolv2/stratum/client'
import { exponential } from '../chance.ts'
import type { VirtualClock } from '../virtual-clock.ts'

export interface SimMinerOptions {
  /** Payout address and worker, as in the user name. */
  readonly user: string
  readonly hashrateHps: number
}

/** The miner's side of its connection: one or more whole lines. `block`: what they carry is this bitcoin block. */
export type MinerSend = (text: string, block: BlockHash | null) => void

const SUBSCRIBE_ID = 1
const AUTHORIZE_ID = 2
const FIRST_SUBMIT_ID = 10
const EXTRANONCE2_BYTES = 8
const NOTIFY_START = '{"id":null,"method":"mining.notify"'
const DIFFICULTY_START = '{"id":null,"method":"mining.set_difficulty"'
/** 2^256 as a double. */
const HASH_SPACE = 2 ** 256

/**
 * A miner that speaks Stratum and grinds. When it finds next is drawn from its hashrate and the target it was told, so that
 * virtual time is right; only then it grinds, until a nonce really meets that target. The target is easy, so that takes few
 * hashes. Finding has no memory: new work leaves the time drawn as it is, a new target draws it afresh.
 */
export class SimMiner {
  readonly options: SimMinerOptions
  readonly #clock: VirtualClock
  readonly #rng: SeededRng
  #send: MinerSend | null = null
  #extranonce1: Uint8Array | null = null
  #difficulty: number | null = null
  #target: Target | null = null
  #notify: string | null = null
  #extranonce2 = 0
  #nextId = FIRST_SUBMIT_ID
  /** Raised to make the find that is waited for void. */
  #draw = 0
  #isWaiting = false
  #hashrateHps: number
  #submitted = 0
  #accepted = 0
  readonly #refusals = new Map<string, number>()

  constructor(options: SimMinerOptions, { clock, rng }: { clock: VirtualClock; rng: SeededRng }) {
    this.options = options
    this.#clock = clock
    this.#rng = rng
    this.#hashrateHps = options.hashrateHps
  }

  get hashrateHps(): number {
    return this.#hashrateHps
  }

  get submitted(): number {
    return this.#submitted
  }

  get accepted(): number {
    return this.#accepted
  }

  /** How often a submit was refused, by the words of the refusal. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals
  }

  /** The connection is open. */
  connected(send: MinerSend): void {
    this.#send = send
    send(
      `{"id":${SUBSCRIBE_ID},"method":"mining.subscribe","params":["simminer/1.0"]}\n` +
        `{"id":${AUTHORIZE_ID},"method":"mining.authorize","params":[${JSON.stringify(this.options.user)},"x"]}\n`,
      null
    )
  }

  disconnected(): void {
    this.#send = null
    this.#extranonce1 = null
    this.#notify = null
    this.#difficulty = null
    this.#target = null
    this.#redraw()
  }

  /** 0 stops it. */
  setHashrate(hashrateHps: number): void {
    this.#hashrateHps = hashrateHps
    this.#redraw()
  }

  /** Whole lines from the node. */
  received(text: string): void {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start)
      invariant(end >= 0, 'a session sends whole lines')
      this.#line(text.slice(start, end))
      start = end + 1
    }
  }

  #line(line: string): void {
    if (line.startsWith(NOTIFY_START)) {
      // Read only when it is mined on: most work is replaced before.
      this.#notify = line
      if (!this.#isWaiting) this.#redraw()
    } else if (line.startsWith(DIFFICULTY_START)) this.#setDifficulty(line)
    else this.#reply(JSON.parse(line) as { id: unknown; result: unknown; error: unknown })
  }

  #setDifficulty(line: string): void {
    const [difficulty] = (JSON.parse(line) as { params: [number] }).params
    if (difficulty === this.#difficulty) return
    this.#difficulty = difficulty
    this.#target = targetFromDifficulty(difficulty)
    this.#redraw()
  }

  #reply({ id, result, error }: { id: unknown; result: unknown; error: unknown }): void {
    if (id === SUBSCRIBE_ID) {
      const subscription = parseSubscription(result)
      invariant(subscription?.extranonce2Bytes === EXTRANONCE2_BYTES, 'a subscription is answered with an extranonce')
      this.#extranonce1 = subscription.extranonce1
    } else if (id === AUTHORIZE_ID) invariant(result === true, 'a virtual miner is authorised')
    else if (result === true) this.#accepted += 1
    else {
      const reason = Array.isArray(error) ? String(error[1]) : 'no reason'
      this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1)
    }
  }

  #redraw(): void {
    this.#draw += 1
    this.#isWaiting = false
    if (this.#notify === null || this.#target === null || this.#hashrateHps <= 0) return
    this.#isWaiting = true
    const draw = this.#draw
    const hashes = HASH_SPACE / (Number(bigIntFromTarget(this.#target)) + 1)
    this.#clock.after(exponential(this.#rng, (hashes / this.#hashrateHps) * 1_000), () => {
      if (draw === this.#draw) this.#find()
    })
  }

  #find(): void {
    const { options } = this
    const [target, notify, extranonce1, send] = [this.#target, this.#notify, this.#extranonce1, this.#send]
    invariant(target !== null && notify !== null && extranonce1 !== null && send !== null, 'a miner at work has work')
    const job = parseNotify((JSON.parse(notify) as { params: unknown }).params)
    invariant(job !== null, 'a session sends jobs that can be read')
    this.#extranonce2 += 1
    const extranonce2 = new Uint8Array(EXTRANONCE2_BYTES)
    new DataView(extranonce2.buffer).setBigUint64(0, BigInt(this.#extranonce2))
    const { nonce, hashWire } = this.#grind(headerFor(job, extranonce1, extranonce2), target)
    this.#submitted += 1
    const params = submitParams(options.user, { jobId: job.id, extranonce2, timeHex: job.timeHex, nonce })
    const line = JSON.stringify({ id: this.#nextId++, method: 'mining.submit', params })
    send(`${line}\n`, hashMeetsTarget(hashWire, targetFromBits(job.bits)) ? blockHashFromWire(hashWire) : null)
    this.#redraw()
  }

  #grind(header: Uint8Array, target: Target): { readonly nonce: number; readonly hashWire: Uint8Array } {
    const nonceAt = new DataView(header.buffer, header.byteOffset + 76, 4)
    const hashWire = new Uint8Array(32)
    for (let nonce = this.#rng.u32(); ; nonce = (nonce + 1) >>> 0) {
      nonceAt.setUint32(0, nonce, true)
      sha256d80Into(header, 0, hashWire, 0)
      if (hashMeetsTarget(hashWire, target)) return { nonce, hashWire }
    }
  }
}
