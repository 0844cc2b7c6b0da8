// `npm run soak -- [--minutes 20] [--seed N]`: eight real nodes on one devnet, three of them with a miner. Three of them are stopped or
// killed in turn, once a minute, and come back. What each process takes is sampled every 15 seconds; it ends with a table, the trend
// of the second half, and 1 if something grew that should not.
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { seededRng } from '@p2poolv2/primitives'
import { Cluster, randomTree } from '../cluster.ts'
import { copyChain, prepareChain } from '../prepared-chain.ts'
import { onStage } from '../script-stage.ts'
import { type Sample, sampleOf } from './sample.ts'
import { median, slope } from './trend.ts'

const NODES = 8
/** From this one on they are stopped and killed in turn. */
const FIRST_RESTARTED = 5
const MINERS = 3
/** The chain begins as one on which a share takes 256 hashes, so that the miners take no processor worth the name: a share in 0.75 s. */
const HASHRATE_HPS = 115
const FIRST_SHARES = 50
const RESTART_EVERY_MS = 60_000
const SAMPLE_EVERY_MS = 15_000
const MIB = 1_048_576
/**
 * Growth an hour over the second half that is a leak for sure. The chain itself grows: at a share a second some MiB an hour of index and,
 * until 2,048 of them are there, of shares kept at hand.
 */
const MAX_HELD_MIB_PER_HOUR = 24
const MAX_RSS_MIB_PER_HOUR = 96
const MAX_SOCKETS_PER_HOUR = 12
const MAX_TIMERS_PER_HOUR = 60

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } }
})
const runMs = Number(values.minutes) * 60_000
const rng = seededRng(`soak ${values.seed}`)
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const mib = (bytes: number): string => (bytes / MIB).toFixed(1)

const samples: Sample[][] = Array.from({ length: NODES }, () => [])
/** From when on there are all nodes. */
let beganMs = 0
let endMs = 0
/** Is not there, or about to be: a signal would end it before it can be heard. */
let restarting: number | null = null
let restarts = 0
let errors = 0

async function restartInTurn(cluster: Cluster): Promise<void> {
  for (;;) {
    await sleep(Math.min(RESTART_EVERY_MS, endMs - performance.now()))
    // The last minute is for the end.
    if (performance.now() >= endMs - RESTART_EVERY_MS) return
    const index = FIRST_RESTARTED + (restarts % (NODES - FIRST_RESTARTED))
    const node = cluster.node(index)
    restarting = index
    await node.stop(restarts % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    errors += node.log.filter(({ level }) => level === 'error').length
    await cluster.restart(index)
    restarting = null
    restarts++
  }
}

async function sampleAll(cluster: Cluster): Promise<void> {
  while (performance.now() < endMs) {
    const atSec = (performance.now() - beganMs) / 1_000
    for (const [index, node] of cluster.nodes.entries()) {
      if (index === restarting) continue
      const sample = await sampleOf(node, atSec).catch(() => null)
      if (sample !== null) samples[index]?.push(sample)
    }
    const [first] = samples
    const last = first?.at(-1)
    if (last !== undefined) {
      console.log(
        `${(atSec / 60).toFixed(1)} min, load ${loadavg()[0]?.toFixed(0)}: height ${last.height}, ${restarts} restarts; held ${samples.map(of => mib(of.at(-1)?.heldBytes ?? 0)).join(' ')} MiB; ` +
          `rss ${samples.map(of => mib(of.at(-1)?.rssBytes ?? 0)).join(' ')} MiB`
      )
    }
    await sleep(SAMPLE_EVERY_MS)
  }
}

interface Row {
  readonly text: string
  readonly breaches: readonly string[]
}

function rowOf(index: number, all: readonly Sample[]): Row {
  const half = all.slice(Math.floor(all.length / 2))
  const perHour = (of: (sample: Sample) => number): number =>
    slope(half.map(sample => [sample.atSec / 3_600, of(sample)] as const))
  const trend = {
    held: perHour(sample => sample.heldBytes / MIB),
    rss: perHour(sample => sample.rssBytes / MIB),
    sockets: perHour(sample => sample.sockets),
    timers: perHour(sample => sample.timers)
  }
  const first = all.slice(0, Math.ceil(all.length / 4))
  const last = all.slice(-Math.ceil(all.length / 4))
  const of = (key: keyof Sample, show: (value: number) => string = String): string =>
    `${show(median(first.map(sample => sample[key])))} > ${show(median(last.map(sample => sample[key])))}`
  const role = index >= FIRST_RESTARTED ? 'restarts' : index < MINERS ? 'miner' : ''
  const cells = [
    `${index} ${role}`.padEnd(10),
    of('rssBytes', mib).padEnd(16),
    trend.rss.toFixed(1).padStart(7),
    of('heldBytes', mib).padStart(16),
    trend.held.toFixed(1).padStart(7),
    of('sockets').padStart(9),
    of('otherFds').padStart(9),
    of('timers').padStart(9),
    of('storeBytes', mib).padStart(14),
    of('peers').padStart(7)
  ]
  // A process that began a moment ago fills its memory: it has no trend.
  const breaches =
    index >= FIRST_RESTARTED
      ? []
      : [
          trend.held > MAX_HELD_MIB_PER_HOUR && `node ${index} holds ever more`,
          trend.rss > MAX_RSS_MIB_PER_HOUR && `node ${index} takes ever more memory`,
          trend.sockets > MAX_SOCKETS_PER_HOUR && `node ${index} leaves sockets behind`,
          trend.timers > MAX_TIMERS_PER_HOUR && `node ${index} leaves timers behind`
        ].filter(breach => breach !== false)
  return { text: cells.join(' '), breaches }
}

await onStage(async stage => {
  const seed = await stage.folder()
  await prepareChain(seed, { shares: FIRST_SHARES, payees: 20, tipTimeSec: Math.floor(Date.now() / 1_000) })
  const cluster = await Cluster.start(stage, {
    introductions: randomTree(NODES, below => rng.u32() % below),
    miners: MINERS,
    hashrateHps: HASHRATE_HPS,
    prepare: dataDir => copyChain(seed, dataDir),
    logLevel: 'info',
    env: { NODE_OPTIONS: `--import ${fileURLToPath(new URL('collect.mjs', import.meta.url))}` }
  })
  beganMs = performance.now()
  endMs = beganMs + runMs
  await Promise.all([sampleAll(cluster), restartInTurn(cluster)])
  const height = await cluster.oneTip(300_000)
  const rows = samples.map((all, index) => rowOf(index, all))
  console.log(
    `${values.minutes} minutes, ${NODES} nodes, ${restarts} restarts, height ${height}; medians of the first quarter > the last; MiB; trend an hour over the second half`
  )
  console.log(
    'node       rss              an hour            held  an hour  sockets other fds    timers          store   peers'
  )
  for (const { text } of rows) console.log(text)
  const breaches = rows.flatMap(row => row.breaches)
  for (const node of cluster.nodes) errors += node.log.filter(({ level }) => level === 'error').length
  if (errors > 0) breaches.push(`${errors} errors in the logs`)
  for (const [index, node] of cluster.nodes.entries()) {
    const { code } = await node.stop('SIGTERM')
    if (code !== 0) breaches.push(`node ${index} ended with ${code}`)
  }
  for (const breach of breaches) console.log(`BREACH: ${breach}`)
  console.log(breaches.length === 0 ? 'flat' : 'NOT FLAT')
  process.exitCode = breaches.length === 0 ? 0 : 1
})
