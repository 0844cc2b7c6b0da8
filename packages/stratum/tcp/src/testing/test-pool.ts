import { buildCoinbase, type Job, type MiningWork } from '@p2poolv2/bitcoin'
import { blockHash, steadyMs, targetFromBits, unixMs, wireFromDisplay } from '@p2poolv2/primitives'
import { createLog, systemClock } from '@p2poolv2/runtime'
import {
  DEFAULT_START_PROFILES,
  DEFAULT_VARDIFF,
  type MinerSession,
  type SessionEffect,
  type SessionEvent,
  StratumV1
} from '@p2poolv2/stratum'
import type { GoneReason } from '../contract.ts'
import { StratumServer, type StratumServerOptions } from '../stratum-server.ts'

const PREV_HASH = '0000000000000000000112233445566778899aabbccddeeff00112233445566f'

/** The least of a node: a session per connection and one piece of work, over real sockets. */
export class TestPool {
  readonly server: StratumServer
  readonly log: string[] = []
  readonly reads: number[] = []
  readonly gone = new Map<number, GoneReason>()
  /** Who came, in order: from where, and by the door with which start difficulty. */
  readonly came: { readonly remote: string; readonly startDifficulty: number | undefined }[] = []
  port = 0
  readonly #sessions = new Map<number, MinerSession>()
  #jobs = 0
  #waiting: { readonly miner: number; readonly resolve: (why: GoneReason) => void }[] = []

  /** @param isShared all tests come from loopback; unless said otherwise it is taken for a stranger's address */
  constructor(
    options: Partial<StratumServerOptions> = {},
    nowMs: () => number = () => systemClock().now().steadyMs,
    isShared: (address: string) => boolean = () => false
  ) {
    const log = createLog({ level: 'info', format: 'json', sink: { write: line => void this.log.push(line) } })
    this.server = new StratumServer(
      { host: '127.0.0.1', port: 0, ...options },
      {
        log,
        clock: { now: () => ({ wallMs: unixMs(0), steadyMs: steadyMs(nowMs()) }) },
        isShared,
        onConnected: (miner, remote, { startDifficulty }) => {
          this.came.push({ remote, startDifficulty })
          this.#sessions.set(miner, newSession(miner, remote))
        },
        onLines: (miner, lines) => {
          this.reads.push(lines.length)
          this.handle(miner, session => session.handle({ type: 'received', messages: lines }, systemClock().now()))
        },
        onGone: (miner, why) => {
          this.#sessions.delete(miner)
          this.gone.set(miner, why)
          for (const { resolve } of this.#waiting.filter(wait => wait.miner === miner)) resolve(why)
        }
      }
    )
  }

  async start(): Promise<this> {
    this.port = await this.server.listen()
    return this
  }

  handle(miner: number, event: (session: MinerSession) => readonly SessionEffect[]): void {
    const session = this.#sessions.get(miner)
    if (session === undefined) return
    for (const effect of event(session)) {
      if (effect.type === 'send') this.server.send(miner, effect.output)
      else if (effect.type === 'close') this.server.close(miner, effect.reason)
      else if (effect.type === 'wantWork') this.renew(miner)
      else if (effect.type === 'authorise') {
        const answer = authorised(effect)
        this.handle(miner, asking => asking.handle(answer, systemClock().now()))
      }
    }
  }

  renew(miner: number, cleanJobs = false): void {
    const id = (++this.#jobs).toString(16).padStart(16, '0')
    const job: Job = { id, work: WORK, nsecs: BigInt(this.#jobs), commitment: null }
    const limits = { shareDifficulty: null, bitcoinDifficulty: 1e12 }
    this.handle(miner, session =>
      session.handle({ type: 'work', job, oldestWorkId: 1, cleanJobs, limits }, systemClock().now())
    )
  }

  /** Resolves when the connection has ended. */
  whenGone(miner: number): Promise<GoneReason> {
    const why = this.gone.get(miner)
    if (why !== undefined) return Promise.resolve(why)
    return new Promise(resolve => void this.#waiting.push({ miner, resolve }))
  }
}

const WORK: MiningWork = {
  id: 1,
  bitcoinHeight: 900_000,
  version: 0x2000_0000,
  prevHash: blockHash(PREV_HASH),
  prevHashWire: wireFromDisplay(PREV_HASH),
  bits: 0x1702a000,
  timeSec: 0x68a00000,
  minTimeSec: 0x68900000,
  merkleBranch: new Uint8Array(12 * 32).fill(7),
  bitcoinTarget: targetFromBits(0x1702a000),
  shareTarget: null,
  coinbase: buildCoinbase({
    bitcoinHeight: 900_000,
    auxFlags: new Uint8Array(),
    poolSignature: new Uint8Array(),
    outputs: [{ valueSats: 5_000_000_000n, script: new Uint8Array(22) }],
    witnessCommitmentScript: null,
    padding: null
  })
}

const PROTOCOL = new StratumV1()

function newSession(miner: number, remote: string): MinerSession {
  return PROTOCOL.open(
    {
      extranonce: { prefix: Uint8Array.of(10, 0, miner >>> 8, miner), minerBytes: 8 },
      versionMask: 0x1fffe000,
      vardiff: DEFAULT_VARDIFF,
      startProfiles: DEFAULT_START_PROFILES,
      sessionId: miner.toString(16).padStart(16, '0'),
      connectedAtMs: systemClock().now().steadyMs,
      remote
    },
    {}
  )
}

/** Nobody can be paid under this user name. */
export const WRONG_USER = 'nobody'

/** Everybody else is who he says. */
function authorised({ requestId, request }: Extract<SessionEffect, { type: 'authorise' }>): SessionEvent {
  const { user, worker } = request
  if (user === WRONG_USER) return { type: 'refused', requestId, message: 'Nobody of that name' }
  const identity = { payoutAddress: user, payoutScript: new Uint8Array(22), worker, shareProgram: null }
  return { type: 'authorised', requestId, identity }
}
