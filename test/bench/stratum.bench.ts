/** The whole stratum server over TCP: CPU time of one accepted share, and the time until the last miner has new work. */
import { setTimeout as pause } from 'node:timers/promises'
import type { MiningWork } from '@p2poolv2/bitcoin'
import { blockHashFromWire } from '@p2poolv2/primitives'
import { createLog, nodeSha256d } from '@p2poolv2/runtime'
import { type MinerSession, type SessionEvent, StratumV1 } from '@p2poolv2/stratum'
import { StratumServer } from '@p2poolv2/stratum/tcp'
import { CrowdProcess } from '../../apps/load/src/crowd-process.ts'
import { nowMs } from '../../apps/load/src/now.ts'
import { jobOf, NOW, workWith } from './inputs/submits.ts'
import { measure, note } from './measure.ts'

const CROWDS = [100, 1_000] as const
const SUBMITS_PER_SAMPLE = 10_000
const ANSWERED_WITHIN_MS = 60_000
const POLL_MS = 50
const COINBASE_BYTES = 1_024
/** Every hash meets it. */
const DIFFICULTY = 1e-12
const LIMITS = { shareDifficulty: null, bitcoinDifficulty: 1e12 }

/** Sessions behind real sockets, on one thread as in the node. */
class BenchServer {
  readonly server: StratumServer
  readonly #sessions = new Map<number, MinerSession>()
  readonly #protocol = new StratumV1()
  #work: MiningWork = workWith(COINBASE_BYTES)
  #jobs = 0n

  constructor() {
    this.server = new StratumServer(
      { host: '127.0.0.1', port: 0, linesPerSec: 1e9, burstLines: 1e9 },
      {
        onConnected: (miner, remote) => void this.#sessions.set(miner, this.#open(miner, remote)),
        onLines: (miner, messages) => this.#tell(miner, { type: 'received', messages }),
        onGone: miner => void this.#sessions.delete(miner),
        log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } })
      }
    )
  }

  get miners(): number {
    return this.#sessions.size
  }

  /** Work on a new block for everybody. */
  renew(): void {
    const id = this.#work.id + 1
    // Two bytes of the hash are enough for blocks that nobody else knows.
    const prevHashWire = this.#work.prevHashWire.slice()
    prevHashWire.set([id & 0xff, (id >>> 8) & 0xff])
    this.#work = { ...this.#work, id, prevHashWire, prevHash: blockHashFromWire(prevHashWire) }
    for (const miner of this.#sessions.keys()) this.#give(miner)
  }

  #open(miner: number, remote: string): MinerSession {
    return this.#protocol.open(
      {
        extranonce: { prefix: Uint8Array.of(10, 0, miner >>> 8, miner), minerBytes: 8 },
        versionMask: 0x1fffe000,
        sessionId: miner.toString(16).padStart(16, '0'),
        connectedAtMs: NOW.steadyMs,
        remote,
        startProfiles: [],
        vardiff: {
          retarget: 'off',
          targetSharesPerSec: 0.3,
          minDifficulty: DIFFICULTY,
          maxDifficulty: 1e12,
          startDifficulty: DIFFICULTY
        }
      },
      { sha256d: nodeSha256d }
    )
  }

  #tell(miner: number, event: SessionEvent): void {
    const session = this.#sessions.get(miner)
    if (session === undefined) return
    for (const effect of session.handle(event, NOW)) {
      if (effect.type === 'send') this.server.send(miner, effect.output)
      else if (effect.type === 'wantWork') this.#give(miner)
      else if (effect.type === 'authorise') {
        const { requestId, request } = effect
        const identity = {
          payoutAddress: request.user,
          payoutScript: new Uint8Array(22),
          worker: '',
          shareProgram: null
        }
        this.#tell(miner, { type: 'authorised', requestId, identity })
      }
    }
  }

  #give(miner: number): void {
    const job = { ...jobOf(this.#work), id: (++this.#jobs).toString(16).padStart(16, '0'), nsecs: this.#jobs }
    this.#tell(miner, { type: 'work', job, oldestWorkId: 1, cleanJobs: true, limits: LIMITS })
  }
}

/** Gives everybody a new block's work. @returns milliseconds until the last one has it */
async function renewed(crowd: CrowdProcess, bench: BenchServer): Promise<number> {
  await crowd.count()
  const startedAtMs = nowMs()
  bench.renew()
  for (;;) {
    // Asked less often than the crowd has lines to read.
    await pause(POLL_MS)
    const [block] = (await crowd.tally()).blocks
    if (block?.anyJobAtMs.length === bench.miners) return Math.max(...block.anyJobAtMs) - startedAtMs
  }
}

for (const miners of CROWDS) {
  const bench = new BenchServer()
  const port = await bench.server.listen()
  // A process of its own, so that this one has the server's CPU time alone.
  const crowd = new CrowdProcess({
    host: '127.0.0.1',
    port,
    miners,
    firstMiner: 1,
    userPrefix: 'bench.',
    password: 'x',
    userAgent: 'bench/1',
    roots: 'one',
    connectAtOnce: 100
  })
  await crowd.connect()
  const each = SUBMITS_PER_SAMPLE / miners
  await measure({
    id: `stratum.share.${miners}`,
    unit: 'share',
    operationsPerSample: SUBMITS_PER_SAMPLE,
    samples: 10,
    // Fresh work, for which nobody has submitted.
    prepare: async () => void (await renewed(crowd, bench)),
    run: async () => {
      crowd.work(null, each)
      await crowd.rest(ANSWERED_WITHIN_MS)
      const { accepted } = await crowd.tally()
      if (accepted !== SUBMITS_PER_SAMPLE) throw new Error(`only ${accepted} submits were accepted`)
    }
  })
  const lastMs: number[] = []
  for (let i = 0; i < 20; i++) lastMs.push(await renewed(crowd, bench))
  lastMs.sort((a, b) => a - b)
  note(
    `stratum.notify.${miners}: new work is at the last of ${miners} miners after ${lastMs[10]?.toFixed(1)} ms (${lastMs[2]?.toFixed(1)} to ${lastMs[17]?.toFixed(1)})`
  )
  crowd.end()
  await bench.server.stop({ signal: AbortSignal.abort() })
}
