import { setTimeout as pause } from 'node:timers/promises'
import { BlockClock } from './block-clock.ts'
import type { BlockSeen, Roots, Tally, V2Settings } from './crowd-contract.ts'
import { CrowdProcess } from './crowd-process.ts'
import { Latencies } from './latencies.ts'
import { nowMs } from './now.ts'
import { type NodeView, nodeView } from './server-ledger.ts'
import { costOf, type ProcessCost } from './server-process.ts'

/** What is under way when the time is up is waited for, this long. */
const REST_WITHIN_MS = 10_000
/** Jobs, garbage and buffers of so many logins at once are no part of what is measured. */
const SETTLE_MS = 2_000
const CONNECT_AT_ONCE = 256

export interface LoadOptions {
  readonly host: string
  readonly port: number
  readonly connections: number
  readonly seconds: number
  readonly processes: number
  /** Of all together; null: as fast as answers come. 0: nobody works, only new blocks are watched. */
  readonly sharesPerSec: number | null
  /** Payout address; every miner has a worker name of its own. */
  readonly user: string
  readonly password: string
  readonly userAgent: string
  readonly roots: Roots
  /** Absent: Stratum V1. */
  readonly v2?: V2Settings
  /** The server's process on this computer, or null. */
  readonly serverPid: number | null
  /** Where a P2Poolv2 node can be asked for its own counts, or null. */
  readonly api: string | null
  /** The bitcoin node's `zmqpubhashblock`, or null. */
  readonly zmq: string | null
  /** What all worker names of this run begin with. */
  readonly workerPrefix: string
  readonly onProgress: (text: string) => void
}

/** How new blocks came to the miners: milliseconds after the bitcoin node's word, or after the first miner's job without it. */
export interface Spread {
  readonly first: number
  readonly median: number
  readonly last: number
  readonly miners: number
}

export interface BlockReport {
  readonly since: 'bitcoin-node' | 'first-miner'
  readonly anyJob: Spread
  /** Null when no job with transactions came. */
  readonly fullJob: Spread | null
  /** What is told of the last miner is too late by at most this. */
  readonly lagMs: number
}

export interface LoadReport {
  readonly connections: { readonly asked: number; readonly working: number; readonly perSec: number }
  readonly seconds: number
  readonly tally: Omit<Tally, 'latencies' | 'blocks'>
  readonly acceptedPerSec: number
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
  /** Null: not known. */
  readonly server: {
    readonly pid: number
    readonly cpuUsPerAccepted: number | null
    /** Of one core. */
    readonly cpuPart: number
    readonly bytesPerConnection: number
  } | null
  readonly ownAccount: NodeView | null
  readonly blocks: readonly BlockReport[]
  /** Part of the time in which the busiest thread of the generator was not waiting. */
  readonly generatorBusy: number
}

/** One run: connects, works or watches, counts, and compares. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { connections, processes, seconds, sharesPerSec, serverPid, onProgress } = options
  const crowds = crowdsOf(options)
  const clock = options.zmq === null ? null : new BlockClock(options.zmq, onProgress)
  try {
    const before = serverPid === null ? null : costOf(serverPid)
    onProgress(`connecting ${connections} miners to ${options.host}:${options.port}`)
    const connected = await Promise.all(crowds.map(crowd => crowd.connect()))
    const connectMs =
      Math.max(...connected.map(({ endedAtMs }) => endedAtMs)) -
      Math.min(...connected.map(({ startedAtMs }) => startedAtMs))
    const working = connected.reduce((sum, crowd) => sum + crowd.working, 0)
    await pause(SETTLE_MS)

    onProgress(`${working} miners have work; measuring for ${seconds} s`)
    await Promise.all(crowds.map(crowd => crowd.count()))
    const atStart = serverPid === null ? null : costOf(serverPid)
    const startedAtMs = nowMs()
    if (sharesPerSec !== 0) {
      for (const crowd of crowds) crowd.work(sharesPerSec === null ? null : sharesPerSec / processes)
    }
    await pause(seconds * 1000)
    const workedMs = nowMs() - startedAtMs
    // Before the end is waited for: then the generator has less to do.
    const busy = (await Promise.all(crowds.map(crowd => crowd.tally()))).map(tally => tally.busy)
    await Promise.all(crowds.map(crowd => crowd.rest(REST_WITHIN_MS)))
    const atEnd = serverPid === null ? null : costOf(serverPid)
    const tallies = await Promise.all(crowds.map(crowd => crowd.tally()))
    const latencies = Latencies.empty()
    for (const tally of tallies) latencies.addAll(Latencies.of(tally.latencies))
    const sum = addUp(tallies)
    return {
      connections: { asked: connections, working, perSec: (working * 1000) / connectMs },
      seconds: workedMs / 1000,
      tally: sum,
      acceptedPerSec: (sum.accepted * 1000) / workedMs,
      latencyMs: {
        p50: latencies.quantileUs(0.5) / 1000,
        p90: latencies.quantileUs(0.9) / 1000,
        p99: latencies.quantileUs(0.99) / 1000,
        max: latencies.maxUs / 1000
      },
      server: serverCost(serverPid, { before, atStart, atEnd }, { accepted: sum.accepted, workedMs, working }),
      ownAccount: options.api === null ? null : await nodeView(options.api, options.workerPrefix),
      blocks: blockReports(
        tallies.map(tally => tally.blocks),
        clock
      ),
      generatorBusy: Math.max(...busy)
    }
  } finally {
    clock?.close()
    for (const crowd of crowds) crowd.end()
  }
}

function crowdsOf(options: LoadOptions): readonly CrowdProcess[] {
  const { host, port, connections, processes, user, workerPrefix, password, userAgent, roots, v2 } = options
  let firstMiner = 1
  return Array.from({ length: processes }, (_, thread) => {
    const miners = Math.floor(connections / processes) + (thread < connections % processes ? 1 : 0)
    const crowd = new CrowdProcess({
      host,
      port,
      miners,
      firstMiner,
      userPrefix: `${user}.${workerPrefix}-`,
      password,
      userAgent,
      roots,
      ...(v2 !== undefined && { v2 }),
      connectAtOnce: Math.ceil(CONNECT_AT_ONCE / processes)
    })
    firstMiner += miners
    return crowd
  })
}

function addUp(tallies: readonly Tally[]): LoadReport['tally'] {
  const total = (of: (tally: Tally) => number): number => tallies.reduce((sum, tally) => sum + of(tally), 0)
  const kinds = (of: (tally: Tally) => Readonly<Record<string, number>>): Record<string, number> => {
    const sums: Record<string, number> = {}
    for (const tally of tallies)
      for (const [kind, count] of Object.entries(of(tally))) sums[kind] = (sums[kind] ?? 0) + count
    return sums
  }
  return {
    sent: total(({ sent }) => sent),
    accepted: total(({ accepted }) => accepted),
    rejected: kinds(({ rejected }) => rejected),
    unanswered: total(({ unanswered }) => unanswered),
    unmatched: total(({ unmatched }) => unmatched),
    lost: kinds(({ lost }) => lost),
    hashes: total(({ hashes }) => hashes),
    writtenBytes: total(({ writtenBytes }) => writtenBytes),
    readBytes: total(({ readBytes }) => readBytes),
    busy: Math.max(...tallies.map(({ busy }) => busy)),
    hashing: Math.max(...tallies.map(({ hashing }) => hashing))
  }
}

function serverCost(
  pid: number | null,
  costs: Readonly<Record<'before' | 'atStart' | 'atEnd', ProcessCost | null>>,
  { accepted, workedMs, working }: { readonly accepted: number; readonly workedMs: number; readonly working: number }
): LoadReport['server'] {
  const { before, atStart, atEnd } = costs
  if (pid === null || before === null || atStart === null || atEnd === null) return null
  const cpuMs = atEnd.cpuMs - atStart.cpuMs
  return {
    pid,
    cpuUsPerAccepted: accepted === 0 ? null : (cpuMs * 1000) / accepted,
    cpuPart: cpuMs / workedMs,
    bytesPerConnection: (atStart.residentBytes - before.residentBytes) / Math.max(1, working)
  }
}

function blockReports(blocksByThread: readonly (readonly BlockSeen[])[], clock: BlockClock | null): BlockReport[] {
  const byBlock = new Map<string, BlockSeen[]>()
  for (const block of blocksByThread.flat())
    byBlock.set(block.prevHash, [...(byBlock.get(block.prevHash) ?? []), block])
  return [...byBlock].map(([prevHash, seen]) => {
    const anyJob = seen.flatMap(({ anyJobAtMs }) => [...anyJobAtMs])
    const fullJob = seen.flatMap(({ fullJobAtMs }) => [...fullJobAtMs])
    const said = clock?.saidAtMs(prevHash) ?? null
    const zeroMs = said ?? Math.min(...anyJob)
    return {
      since: said === null ? 'first-miner' : 'bitcoin-node',
      anyJob: spreadOf(anyJob, zeroMs),
      fullJob: fullJob.length === 0 ? null : spreadOf(fullJob, zeroMs),
      lagMs: Math.max(...seen.map(({ lagMs }) => lagMs))
    }
  })
}

function spreadOf(atMs: readonly number[], zeroMs: number): Spread {
  const sorted = atMs.map(ms => ms - zeroMs).sort((a, b) => a - b)
  return {
    first: sorted[0] ?? Number.NaN,
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    last: sorted.at(-1) ?? Number.NaN,
    miners: sorted.length
  }
}
