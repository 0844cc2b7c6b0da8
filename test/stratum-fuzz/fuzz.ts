// `npm run fuzz:stratum -- [--minutes 10] [--seed N] [--dialers 200 | --flooders 60] [--control]`: random and mutated lines, frames and handshakes on live
// connections to a real node, beside honest miners of Stratum V1 and V2 that do real work; with --dialers only handshakes that nobody goes on
// with, with --flooders only connections of one address that send shares without end. Quiet and fire take turns, so that what else the computer does meets both. Ends with 1 if the node dies, an honest share is lost or
// refused, the node's account differs from the miners', or honest miners wait more than twice as long under fire as in quiet.
// --control attacks a second node in every third turn: what the attackers take from the computer, and not from the node.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { V2Settings } from '../../apps/load/src/crowd-contract.ts'
import { exampleAddress, nodeView, v2UrlOf } from '../../apps/load/src/server-ledger.ts'
import { costOf, listenerOf } from '../../apps/load/src/server-process.ts'
import { freePort } from '../e2e/stage/free-port.ts'
import { NodeProgram } from '../e2e/stage/node-program.ts'
import { AttackerProcess } from './attacker-process.ts'
import { HonestCrowd } from './honest-crowd.ts'

const MUTANTS = 8
const TURN_MS = 40_000
const QUIET_PART = 0.25
/** Until the code of both ends is compiled. */
const WARM_UP_MS = 8_000
const MAX_P99_RATIO = 2
/** Resident memory over that in quiet, once everybody has left: caches fill, and the runtime keeps what it had. */
const MAX_GROWTH_BYTES = 192 * 1_048_576

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    dialers: { type: 'string' },
    flooders: { type: 'string' },
    control: { type: 'boolean', default: false }
  }
})
const turns = Math.max(1, Math.round((Number(values.minutes) * 60_000) / TURN_MS))
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32))
const user = String(exampleAddress('devnet'))
const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-fuzz-'))

async function startNode(name: string): Promise<NodeProgram> {
  const settings = [
    `stratum.v2_port=${await freePort()}`,
    ...['stratum.minimum_difficulty=1e-9', 'stratum.maximum_difficulty=1e-9', 'stratum.max_connections=2000']
  ]
  const args = ['--miners', '0', ...settings.flatMap(setting => ['--set', setting])]
  return new NodeProgram({ dataDir: join(folder, name), args }).ready()
}

async function startAttackers(node: NodeProgram): Promise<AttackerProcess> {
  const { dialers, flooders } = values
  const kind = dialers !== undefined ? 'dialers' : flooders !== undefined ? 'flooders' : 'mutants'
  return AttackerProcess.start({
    port: node.stratumPort,
    v2Port: (await sealedDoor(node)).port,
    user,
    seed,
    attackers: Number(dialers ?? flooders ?? MUTANTS),
    kind
  })
}

async function sealedDoor(node: NodeProgram): Promise<{ readonly port: number; readonly authorityKey: string }> {
  const [, port, authorityKey = ''] = /:(\d+)\/(\w+)$/.exec((await v2UrlOf(node.apiUrl)) ?? '') ?? []
  return { port: Number(port), authorityKey }
}

const node = await startNode('node')
const pid = listenerOf(node.stratumPort)
const { port: v2Port, authorityKey } = await sealedDoor(node)
const sealed = (channel: V2Settings['channel']): V2Settings => ({ authorityKey, channel })
const crowds = [
  new HonestCrowd('Stratum V1', { port: node.stratumPort, miners: 100, sharesPerSec: 200, user: `${user}.honest-a` }),
  new HonestCrowd('Stratum V2, extended', {
    port: v2Port,
    miners: 10,
    sharesPerSec: 40,
    user: `${user}.honest-b`,
    v2: sealed('extended')
  }),
  new HonestCrowd('Stratum V2, standard', {
    port: v2Port,
    miners: 10,
    sharesPerSec: 40,
    user: `${user}.honest-c`,
    v2: sealed('standard')
  })
]
const other = values.control ? await startNode('other') : null
const attackers = await startAttackers(node)
const decoys = other === null ? null : await startAttackers(other)
const fireMs = (TURN_MS * (1 - QUIET_PART)) / (decoys === null ? 1 : 2)
console.log(`seed ${seed}, ${turns} turns of ${TURN_MS / 1_000} s, of which ${(TURN_MS * QUIET_PART) / 1_000} s quiet`)
for (const crowd of crowds) await crowd.connect()

type Stretch = 'warm-up' | 'quiet' | 'elsewhere' | 'fire'

/** What the honest miners do in a stretch of time is put to what they did in those of its kind. */
async function stretch(kind: Stretch, ms: number): Promise<void> {
  for (const crowd of crowds) await crowd.begin()
  await pause(ms)
  for (const crowd of crowds) await crowd.end(kind)
}

await stretch('warm-up', WARM_UP_MS)
const residentBytes = (): number => (pid === null ? Number.NaN : (costOf(pid)?.residentBytes ?? Number.NaN))
let residentBefore = Number.NaN
let attacks = 0
for (let turn = 1; turn <= turns && node.program.isRunning; turn++) {
  await stretch('quiet', TURN_MS * QUIET_PART)
  if (turn === 1) residentBefore = residentBytes()
  if (decoys !== null) {
    decoys.attack()
    await stretch('elsewhere', fireMs)
    await decoys.rest()
  }
  attackers.attack()
  await stretch('fire', fireMs)
  attacks = await attackers.rest()
}
const accepted = crowds.reduce((sum, crowd) => sum + crowd.accepted, 0)
const view = await nodeView(node.apiUrl, 'honest')
const residentAfter = residentBytes()
const isAlive = node.program.isRunning

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`
console.log(
  `${attacks} attacks; the node ${isAlive ? 'lives' : 'died'}; resident ${mib(residentBefore)}, then ${mib(residentAfter)}`
)
for (const crowd of crowds) for (const line of crowd.report()) console.log(line)
console.log(`the node counts ${view?.accepted ?? 'nothing'} of their ${accepted} accepted shares`)

const breaches = [
  !isAlive && 'the node died',
  ...crowds.flatMap(crowd => crowd.breaches('fire', MAX_P99_RATIO)),
  view !== null && view.accepted !== accepted && 'the node has counted other shares than the miners',
  view === null && 'the node did not say what it has counted',
  residentAfter - residentBefore > MAX_GROWTH_BYTES && 'the node kept what it was sent',
  node.complaints.some(({ level }) => level === 'error') && 'the node met an error'
].filter(breach => breach !== false)
for (const breach of breaches) console.log(`BREACH: ${breach}`)
for (const ending of [...crowds, attackers, ...(decoys === null ? [] : [decoys])]) ending.stop()
await Promise.all([node.stop(), other?.stop()])
await rm(folder, { recursive: true, force: true })
process.exitCode = breaches.length === 0 ? 0 : 1
