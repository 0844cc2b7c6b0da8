// `npm run test:long-sync -- [--shares 100000]`: a fresh node joins three peers that have a long chain over TCP. One of them is honest, one
// is honest behind a line as slow as bad ones are, one tells of a heavier chain that breaks the rules. It prints the node's own status lines
// as they come, and in the end what it took. Who passes on a chain that breaks the rules may have been fooled, so the liar may stay a peer
// (packages/gossip/src/peers/verdicts.ts): it may not keep the node from the right chain.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { PeersJson } from '@p2poolv2/api/schema'
import type { NodeProgram } from '../../e2e/stage/node-program.ts'
import type { Stage } from '../../e2e/stage/stage.ts'
import { until } from '../../e2e/stage/until.ts'
import { copyChain, prepareChain } from '../prepared-chain.ts'
import { onStage } from '../script-stage.ts'
import { metric } from '../soak/sample.ts'
import { SlowLine } from './slow-line.ts'

const LIAR = fileURLToPath(new URL('liar.ts', import.meta.url))
/** A bad mobile line. */
const SLOW = { bytesPerSec: 24_000, latencyMs: 400 }
/** Where the liar's chain parts from the right one, and by how much it is longer. */
const FORK_DEPTH = 2_000
const AHEAD = 40
const SAMPLE_EVERY_MS = 2_000
const PATIENCE_MS = 3_600_000
const MAX_RSS_BYTES = 1_536 * 1_048_576
const ADDRESSES = 50

const { values } = parseArgs({ options: { shares: { type: 'string', default: '100000' } } })
const shares = Number(values.shares)
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`
const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(bytes < 10_485_760 ? 2 : 0)} MiB`

interface Liar {
  readonly peer: string
  readonly port: number
}

async function startLiar(stage: Stage, dataDir: string): Promise<Liar> {
  const words = ['--import', 'tsx', '--conditions=p2pool-source', LIAR, dataDir, String(FORK_DEPTH), String(AHEAD)]
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  stage.onEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  if (done === true) throw new Error('the liar did not start')
  return JSON.parse(value) as Liar
}

/** Where the node was at some moment, and what it had taken of the processor by then. */
interface Mark {
  readonly height: number
  readonly atMs: number
  readonly cpuSec: number
}

/** The most a node was seen to take and to move. */
interface Taken {
  rssBytes: number
  heldBytes: number
  /** About one for each tenth of the chain of judged shares. */
  readonly marks: Mark[]
  /** By peer, of its connections so far. */
  readonly bytesIn: Map<string, number>
  readonly bytesOut: Map<string, number>
}

async function sample(node: NodeProgram, taken: Taken): Promise<void> {
  const metrics = await node.text('/metrics')
  taken.rssBytes = Math.max(taken.rssBytes, metric(metrics, 'process_resident_memory_bytes'))
  taken.heldBytes = Math.max(
    taken.heldBytes,
    metric(metrics, 'nodejs_heap_size_used_bytes') + metric(metrics, 'nodejs_external_memory_bytes')
  )
  const { confirmedHeight: height } = (await node.status()).sharechain
  if (height >= (taken.marks.at(-1)?.height ?? 0) + shares / 10 || taken.marks.length === 0)
    taken.marks.push({ height, atMs: performance.now(), cpuSec: metric(metrics, 'process_cpu_seconds_total') })
  const { peers } = JSON.parse(await node.text('/v1/peers')) as PeersJson
  for (const { peer, bytesIn, bytesOut } of peers) {
    taken.bytesIn.set(peer, Math.max(bytesIn, taken.bytesIn.get(peer) ?? 0))
    taken.bytesOut.set(peer, Math.max(bytesOut, taken.bytesOut.get(peer) ?? 0))
  }
}

await onStage(async stage => {
  const [seed, slowDir, liarDir, newDir] = await Promise.all([1, 2, 3, 4].map(() => stage.folder()))
  if (seed === undefined || slowDir === undefined || liarDir === undefined || newDir === undefined) throw new Error()
  const preparingMs = performance.now()
  const prepared = await prepareChain(seed, {
    shares,
    payees: ADDRESSES,
    tipTimeSec: Math.floor(Date.now() / 1_000),
    onHeight: height => {
      if (height % 10_000 === 0) console.log(`prepared ${height} of ${shares} shares in ${seconds(preparingMs)}`)
    }
  })
  for (const dataDir of [slowDir, liarDir]) await copyChain(seed, dataDir)
  const liar = await startLiar(stage, liarDir)
  const honest = await stage.node({ dataDir: seed, args: ['--miners', '0'] }).ready()
  const slow = await stage.node({ dataDir: slowDir, args: ['--miners', '0'] }).ready()
  const line = await SlowLine.open({ ...SLOW, port: Number(await slow.p2pPort()) })
  stage.onEnd(() => line.close())
  const names = new Map([
    [(JSON.parse(await honest.text('/v1/peers')) as PeersJson).peer, 'honest'],
    [(JSON.parse(await slow.text('/v1/peers')) as PeersJson).peer, 'slow'],
    [liar.peer, 'liar']
  ])

  const invite = await honest.invite()
  const dialled = [line.port, liar.port].map(port => `/ip4/127.0.0.1/tcp/${port}`)
  const beganMs = performance.now()
  const node = stage.node({
    dataDir: newDir,
    args: ['--miners', '0', '--join', invite, '--set', `p2p.dial_peers=${dialled.join(',')}`]
  })
  await node.ready()
  const taken: Taken = { rssBytes: 0, heldBytes: 0, marks: [], bytesIn: new Map(), bytesOut: new Map() }
  let headersSec: string | null = null
  let shown = 0
  let sampledMs = 0
  await until('the right tip', PATIENCE_MS, async () => {
    if (performance.now() - sampledMs < SAMPLE_EVERY_MS) return null
    sampledMs = performance.now()
    const { log } = node
    for (; shown < log.length; shown++) {
      const line = log[shown]
      if (line !== undefined && (line.msg.startsWith('share ') || line.level !== 'info')) console.log(`  ${line.msg}`)
    }
    await sample(node, taken)
    const { sharechain } = await node.status()
    if (sharechain.candidateHeight >= shares) headersSec ??= seconds(beganMs)
    return sharechain.confirmedHash === prepared.tip.hash ? true : null
  })
  const took = seconds(beganMs)
  const perSec = (shares * 1_000) / (performance.now() - beganMs)
  await node.statusWhen('nothing missing', 120_000, ({ network }) => network.state === 'current')
  await sample(node, taken)
  const metrics = await node.text('/metrics')
  const after = JSON.parse(await node.text('/v1/peers')) as PeersJson

  console.log(
    `${shares} shares in ${took}, ${perSec.toFixed(0)} a second; all headers after ${headersSec}; load ${loadavg()[0]?.toFixed(1)}`
  )
  console.log(
    `${metric(metrics, 'process_cpu_seconds_total').toFixed(1)} s of processor time, ` +
      `${mib(taken.rssBytes)} of memory at most, ${mib(taken.heldBytes)} of it in JavaScript; ` +
      `${metric(metrics, 'p2pool_headers_taken_total')} headers taken, ${metric(metrics, 'p2pool_reorgs_total')} re-organisations`
  )
  // Whether the last shares take as much of the processor as the first says if anything grows with the chain.
  taken.marks.slice(1).forEach(({ height, atMs, cpuSec }, n) => {
    const from = taken.marks[n]
    if (from === undefined) return
    const [heights, tookSec] = [height - from.height, (atMs - from.atMs) / 1_000]
    const cpuMs = ((cpuSec - from.cpuSec) * 1_000) / heights
    console.log(
      `${from.height} to ${height}: ${(heights / tookSec).toFixed(0)} a second, ${cpuMs.toFixed(2)} ms of processor time a share`
    )
  })
  for (const [peer, name] of names) {
    const [bytesIn, bytesOut] = [taken.bytesIn.get(peer) ?? 0, taken.bytesOut.get(peer) ?? 0]
    const state = after.peers.some(known => known.peer === peer) ? 'connected' : 'not connected'
    console.log(`${name.padEnd(6)} ${mib(bytesIn).padStart(8)} in, ${mib(bytesOut).padStart(8)} out; ${state}`)
  }
  const penalties = metrics.split('\n').filter(text => /^p2pool_(peer_penalties|headers_failed)_total/.test(text))
  for (const text of penalties) console.log(text)
  const breaches = [
    taken.rssBytes > MAX_RSS_BYTES && 'the node took too much memory',
    node.log.some(({ level }) => level === 'error') && 'there are errors in its log',
    (await node.stop('SIGTERM')).code !== 0 && 'it did not end well'
  ].filter(breach => breach !== false)
  for (const breach of breaches) console.log(`BREACH: ${breach}`)
  process.exitCode = breaches.length === 0 ? 0 : 1
})
