// `npm run soak -- [--minutes 20] [--seed N]`: eight real nodes on one devnet, three of them with a miner of their own, and 200 stratum
// clients over all of them. Three nodes are stopped or killed in turn, once a minute, and come back; each node's bitcoind goes away in turn
// for a while. What each process takes is sampled every 15 seconds. It ends with a table and the trend of the second half, and with 1 if
// something grew that should not, a share counts nowhere that should, or a node warned of what had not been done to it.
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { seededRng } from '@p2poolv2/primitives'
import { bitcoindFlags } from '../../e2e/stage/bitcoind-flags.ts'
import { Cluster, randomTree } from '../cluster.ts'
import { copyChain, prepareChain } from '../prepared-chain.ts'
import { onStage } from '../script-stage.ts'
import { BitcoindDoor } from './bitcoind-door.ts'
import { SoakMiners } from './miners.ts'
import { NodeWords } from './node-words.ts'
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
const CLIENTS_EACH = 25
const SUBMITS_PER_SEC = 20
/** Some four hashes a submit. */
const CLIENT_DIFFICULTY = 1e-9
/** One bitcoind is away at a time, for so long. */
const AWAY_MS = 20_000
const AWAY_EVERY_MS = 45_000
const LOGIN = { user: 'soak', password: 'soak' }
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
/** LevelDB has 256 tables open at most, and the first so many come with the chain. */
const MAX_FILES_PER_HOUR = 40

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
let timesAway = 0
const words = new NodeWords()

async function restartInTurn(cluster: Cluster): Promise<void> {
  for (;;) {
    await sleep(Math.min(RESTART_EVERY_MS, endMs - performance.now()))
    // The last minute is for the end.
    if (performance.now() >= endMs - RESTART_EVERY_MS) return
    const index = FIRST_RESTARTED + (restarts % (NODES - FIRST_RESTARTED))
    const node = cluster.node(index)
    restarting = index
    await node.stop(restarts % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    words.heard(index, node, restarts % 2 === 0 ? 'stopped' : 'killed')
    await cluster.restart(index)
    restarting = null
    restarts++
  }
}

async function flapBitcoind(doors: readonly BitcoindDoor[]): Promise<void> {
  for (;;) {
    await sleep(AWAY_EVERY_MS - AWAY_MS)
    if (performance.now() >= endMs - RESTART_EVERY_MS) return
    const door = doors[timesAway % doors.length]
    await door?.shut()
    await sleep(AWAY_MS)
    await door?.open()
    timesAway++
  }
}

async function sampleAll(cluster: Cluster, miners: SoakMiners): Promise<void> {
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
        `${(atSec / 60).toFixed(1)} min, load ${loadavg()[0]?.toFixed(0)}: height ${last.height}, ${restarts} restarts, ${timesAway} times without bitcoind, ${miners.working} clients; held ${samples.map(of => mib(of.at(-1)?.heldBytes ?? 0)).join(' ')} MiB; ` +
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
    files: perHour(sample => sample.otherFds),
    store: perHour(sample => sample.storeBytes / MIB),
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
    trend.store.toFixed(1).padStart(7),
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
          trend.files > MAX_FILES_PER_HOUR && `node ${index} leaves files open`,
          trend.timers > MAX_TIMERS_PER_HOUR && `node ${index} leaves timers behind`
        ].filter(breach => breach !== false)
  return { text: cells.join(' '), breaches }
}

await onStage(async stage => {
  const seed = await stage.folder()
  await prepareChain(seed, { shares: FIRST_SHARES, payees: 20, tipTimeSec: Math.floor(Date.now() / 1_000) })
  const bitcoind = await DevChainServer.start({ ...LOGIN, file: join(seed, 'bitcoind') })
  stage.onEnd(() => bitcoind.stop())
  const doors = await Promise.all(Array.from({ length: NODES }, () => BitcoindDoor.open(bitcoind.url)))
  for (const door of doors) stage.onEnd(() => door.shut())
  const cluster = await Cluster.start(stage, {
    introductions: randomTree(NODES, below => rng.u32() % below),
    miners: MINERS,
    hashrateHps: HASHRATE_HPS,
    prepare: dataDir => copyChain(seed, dataDir),
    logLevel: 'info',
    args: ['minimum', 'maximum'].flatMap(end => ['--set', `stratum.${end}_difficulty=${CLIENT_DIFFICULTY}`]),
    place: index => ({ args: bitcoindFlags({ ...LOGIN, url: doors[index]?.url ?? '' }) }),
    env: { NODE_OPTIONS: `--import ${fileURLToPath(new URL('collect.mjs', import.meta.url))}` }
  })
  beganMs = performance.now()
  endMs = beganMs + runMs
  const miners = new SoakMiners({
    nodes: NODES,
    minersEach: CLIENTS_EACH,
    submitsPerSec: SUBMITS_PER_SEC,
    portOf: index => cluster.node(index).stratumPort
  })
  stage.onEnd(async () => miners.end())
  await Promise.all([sampleAll(cluster, miners), restartInTurn(cluster), flapBitcoind(doors)])
  miners.rest()
  const height = await cluster.oneTip(300_000)
  const rows = samples.map((all, index) => rowOf(index, all))
  console.log(
    `${values.minutes} minutes, ${NODES} nodes, ${restarts} restarts, ${timesAway} times without bitcoind, height ${height}; medians of the first quarter > the last; MiB; trend an hour over the second half`
  )
  console.log(
    'node       rss              an hour            held  an hour  sockets other fds    timers          store an hour   peers'
  )
  for (const { text } of rows) console.log(text)
  const breaches = rows.flatMap(row => row.breaches)
  const { sent, accepted, rejected, lost } = miners.ledger.tally(runMs, { unanswered: miners.unanswered })
  console.log(
    `clients: ${sent} submits, ${accepted} accepted, refused ${JSON.stringify(rejected)}, connections lost ${JSON.stringify(lost)}`
  )
  miners.end()
  for (const [index, node] of cluster.nodes.entries()) {
    const { code } = await node.stop('SIGTERM')
    if (code !== 0) breaches.push(`node ${index} ended with ${code}`)
    words.heard(index, node, 'stopped')
  }
  console.log(words.text())
  const shares = await words.holdAgainst(cluster.nodes.map(node => node.dataDir))
  console.log(shares.text)
  breaches.push(...words.unexplained(), ...shares.breaches)
  for (const breach of breaches) console.log(`BREACH: ${breach}`)
  console.log(breaches.length === 0 ? 'flat' : 'NOT FLAT')
  process.exitCode = breaches.length === 0 ? 0 : 1
})
