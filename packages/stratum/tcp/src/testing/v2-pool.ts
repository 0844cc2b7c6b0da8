import {
  buildCoinbase,
  type Job,
  type MiningWork,
  PADDING_FORMS,
  type PaddingForm,
  type Solution
} from '@p2poolv2/bitcoin'
import {
  type BlockHash,
  blockHash,
  bytesToHex,
  steadyMs,
  targetFromDifficulty,
  unixMs,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { createLog, systemClock } from '@p2poolv2/runtime'
import {
  BothProtocols,
  DEFAULT_START_PROFILES,
  type DifficultyLimits,
  type MinerSession,
  type SessionEffect,
  type SessionEvent
} from '@p2poolv2/stratum'
import type { GoneReason } from '../contract.ts'
import { StratumServer, type StratumServerOptions } from '../stratum-server.ts'
import { type Answering, AnsweringHere } from '../v2/answering.ts'
import { Handshakes } from '../v2/handshakes.ts'
import { NoiseIdentity } from '../v2/noise-identity.ts'

export const PREV_HASH_1 = '0000000000000000000112233445566778899aabbccddeeff00112233445566f'
export const PREV_HASH_2 = '00000000000000000000aaaabbbbccccddddeeeeffff00001111222233334444'
/** What a share needs: about sixteen hashes. */
export const EASY_DIFFICULTY = 16 / 2 ** 32
export const AUTHORITY_SECRET = new Uint8Array(32).fill(0x49)
export const NOW_SEC = 1_760_000_000

const PAYEES = new Set(['bc1qexampleaddr', 'bc1qotheraddress'])
const SHARE_ADDRESS = /^p2p1/

/** Work of some block, with a hole for a commitment, as the share chain's has. */
export function workOn(prevHash: string, changes: Partial<MiningWork> & { payees?: number } = {}): MiningWork {
  const { payees = 1, ...rest } = changes
  return {
    id: 1,
    bitcoinHeight: 900_000,
    version: 0x2000_0000,
    prevHash: blockHash(prevHash),
    prevHashWire: wireFromDisplay(prevHash),
    bits: 0x1702a000,
    timeSec: NOW_SEC,
    minTimeSec: NOW_SEC - 3_000,
    merkleBranch: new Uint8Array(3 * 32).fill(7),
    bitcoinTarget: targetFromDifficulty(1e12),
    shareTarget: targetFromDifficulty(EASY_DIFFICULTY * 4),
    coinbase: buildCoinbase({
      bitcoinHeight: 900_000,
      auxFlags: new Uint8Array(),
      poolSignature: new Uint8Array(8),
      outputs: Array.from({ length: payees }, () => ({ valueSats: 5_000_000n, script: new Uint8Array(22) })),
      witnessCommitmentScript: null,
      padding: PADDING_FORMS[0] as PaddingForm
    }),
    ...rest
  }
}

/** The least of a node with both protocols: a session per miner and work of the test's making, over real sockets. */
export class V2Pool {
  readonly server: StratumServer
  readonly identity = new NoiseIdentity(AUTHORITY_SECRET)
  readonly handshakes: Handshakes
  readonly log: string[] = []
  readonly gone = new Map<number, GoneReason>()
  readonly solutions: { readonly solution: Solution; readonly worker: string }[] = []
  readonly facts: SessionEffect[] = []
  readonly extranonces: string[] = []
  work: MiningWork | null
  limits: DifficultyLimits = { shareDifficulty: EASY_DIFFICULTY * 4, bitcoinDifficulty: 1e12 }
  v1Port = 0
  v2Port = 0
  /** How far its clocks are ahead of the test's. */
  aheadMs = 0
  maxMiners = Number.POSITIVE_INFINITY
  readonly #sessions = new Map<number, MinerSession>()
  readonly #protocols = new BothProtocols()
  #jobs = 0

  constructor(
    options: Partial<StratumServerOptions> = {},
    work: MiningWork | null = workOn(PREV_HASH_1),
    answering: Answering = new AnsweringHere()
  ) {
    this.work = work
    const log = createLog({ level: 'info', format: 'json', sink: { write: line => void this.log.push(line) } })
    const clock = { now: () => this.now }
    this.handshakes = new Handshakes(this.identity, { answering, clock, log })
    this.server = new StratumServer(
      {
        host: '127.0.0.1',
        port: 0,
        moreDoors: [{ host: '127.0.0.1', port: 0, handshakes: this.handshakes }],
        sweepEveryMs: 20,
        ...options
      },
      {
        log,
        clock,
        isShared: () => true,
        onConnected: (miner, remote, _door, channel) => this.#connected(miner, remote, channel),
        onLines: (miner, messages) => this.tell(miner, { type: 'received', messages }),
        onGone: (miner, why) => {
          this.#sessions.delete(miner)
          this.gone.set(miner, why)
        }
      }
    )
  }

  async start(): Promise<this> {
    await this.server.listen()
    const [v1Port = 0, v2Port = 0] = this.server.ports
    Object.assign(this, { v1Port, v2Port })
    return this
  }

  async stop(): Promise<void> {
    await this.server.stop()
    await this.handshakes.stop()
  }

  get now(): { steadyMs: ReturnType<typeof steadyMs>; wallMs: ReturnType<typeof unixMs> } {
    const nowMs = NOW_SEC * 1000 + systemClock().now().steadyMs + this.aheadMs
    return { steadyMs: steadyMs(nowMs), wallMs: unixMs(NOW_SEC * 1000 + this.aheadMs) }
  }

  get sessions(): readonly MinerSession[] {
    return [...this.#sessions.values()]
  }

  /** New work for everybody. */
  renew(work: MiningWork | null, cleanJobs = false): void {
    this.work = work
    for (const [miner, session] of this.#sessions) if (session.identity !== null) this.#offer(miner, cleanJobs)
  }

  newBlock(prevHash: BlockHash): void {
    for (const miner of this.#sessions.keys()) this.tell(miner, { type: 'newBlock', prevHash })
  }

  /** Lets time pass for the sessions. */
  pass(ms: number): void {
    this.aheadMs += ms
    for (const [miner, session] of this.#sessions) {
      const { nextDeadlineMs } = session
      if (nextDeadlineMs !== null && nextDeadlineMs <= this.now.steadyMs) this.tell(miner, { type: 'deadline' })
    }
  }

  tell(miner: number, event: SessionEvent): void {
    const session = this.#sessions.get(miner)
    if (session === undefined) return
    let wantsWork = false
    const effects = session.handle(event, this.now)
    session.checkInvariants(this.now.steadyMs)
    for (const effect of effects) {
      if (effect.type === 'send') this.server.send(miner, effect.output)
      else if (effect.type === 'close') {
        this.#sessions.delete(miner)
        this.server.close(miner, effect.reason)
      } else if (effect.type === 'wantWork') wantsWork = true
      else if (effect.type === 'authorise') this.tell(miner, authorised(effect))
      else if (effect.type === 'solution') this.solutions.push(effect)
      else this.facts.push(effect)
    }
    if (wantsWork) this.#offer(miner, false)
  }

  #connected(miner: number, remote: string, channel: number | undefined): void {
    if (this.#sessions.size >= this.maxMiners) {
      this.server.close(miner, 'too-many-miners')
      return
    }
    const prefix = Uint8Array.of(10, 0, miner >>> 8, miner)
    this.extranonces.push(bytesToHex(prefix))
    const session = this.#protocols.open(
      {
        extranonce: { prefix, minerBytes: 8 },
        versionMask: 0x1fff_ffe0,
        vardiff: {
          retarget: 'off',
          targetSharesPerSec: 0.3,
          minDifficulty: EASY_DIFFICULTY / 16,
          maxDifficulty: 1e12,
          startDifficulty: EASY_DIFFICULTY
        },
        startProfiles: DEFAULT_START_PROFILES,
        sessionId: miner.toString(16).padStart(16, '0'),
        connectedAtMs: this.now.steadyMs,
        remote,
        ...(channel === undefined ? {} : { channel })
      },
      {}
    )
    this.#sessions.set(miner, session)
  }

  #offer(miner: number, cleanJobs: boolean): void {
    const { work } = this
    const session = this.#sessions.get(miner)
    if (work === null || session === undefined) return
    const number = ++this.#jobs
    const commitment = new Uint8Array(32).fill(miner)
    const hasRoom = work.coinbase.commitmentOffset !== null
    const job: Job = {
      id: number.toString(16).padStart(16, '0'),
      work,
      nsecs: BigInt(number),
      commitment: hasRoom ? commitment : null
    }
    this.tell(miner, { type: 'work', job, oldestWorkId: 1, cleanJobs, limits: this.limits })
  }
}

/** Two addresses are paid, and one kind of share-chain address is one. */
function authorised({ requestId, request }: Extract<SessionEffect, { type: 'authorise' }>): SessionEvent {
  const { user, worker, shareAddress } = request
  if (!PAYEES.has(user)) return { type: 'refused', requestId, message: 'nobody of that name' }
  if (shareAddress !== null && !SHARE_ADDRESS.test(shareAddress)) {
    return { type: 'refused', requestId, message: 'no share address', blames: 'share-address' }
  }
  const identity = { payoutAddress: user, payoutScript: new Uint8Array(22), worker, shareProgram: null }
  return { type: 'authorised', requestId, identity }
}
