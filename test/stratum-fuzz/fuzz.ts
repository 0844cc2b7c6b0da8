// `npm run fuzz:stratum -- [--minutes 10] [--seed N]`: random and mutated lines, frames and handshakes on live connections to a real node,
// beside a hundred honest miners of Stratum V1 and five of V2 that do real work. Ends with 1 if the node dies, an honest share is lost or refused, the node's account
// differs from the miners', or an honest miner waits more than twice as long as in quiet.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { ConnectJson } from '@p2poolv2/api/schema'
import type { Tally } from '../../apps/load/src/crowd-contract.ts'
import { CrowdProcess } from '../../apps/load/src/crowd-process.ts'
import { Latencies } from '../../apps/load/src/latencies.ts'
import { exampleAddress, nodeView } from '../../apps/load/src/server-ledger.ts'
import { costOf, listenerOf } from '../../apps/load/src/server-process.ts'
import { regtestAddress } from '../e2e/stage/addresses.ts'
import { freePort } from '../e2e/stage/free-port.ts'
import { NodeProgram } from '../e2e/stage/node-program.ts'
import { SealedMiner } from '../e2e/stage/sealed-miner.ts'

const ATTACKERS = fileURLToPath(new URL('attackers.ts', import.meta.url))
const ATTACKER_COUNT = 8
const HONEST_MINERS = 100
const SEALED_MINERS = 5
/** Of all honest miners together. */
const HONEST_SHARES_PER_SEC = 200
const QUIET_SHARE = 0.15
const MAX_QUIET_MS = 60_000
/** Until the code of both ends is compiled. */
const WARM_UP_MS = 5_000
const REST_WITHIN_MS = 10_000
const MAX_P99_RATIO = 2
/** Resident memory over that in quiet, once everybody has left: caches fill, and the runtime keeps what it had. */
const MAX_GROWTH_BYTES = 192 * 1_048_576

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
const totalMs = Number(values.minutes) * 60_000
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32))
const quietMs = Math.min(MAX_QUIET_MS, totalMs * QUIET_SHARE)
const user = String(exampleAddress('devnet'))
const sealedUser = regtestAddress(79)

const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-fuzz-'))
const easy = ['stratum.minimum_difficulty=1e-9', 'stratum.maximum_difficulty=1e-9', 'stratum.max_connections=2000']
const node = new NodeProgram({
  dataDir: join(folder, 'data'),
  args: [
    '--miners',
    '0',
    '--set',
    `stratum.v2_port=${await freePort()}`,
    ...easy.flatMap(setting => ['--set', setting])
  ]
})
await node.ready()
const pid = listenerOf(node.stratumPort)
console.log(`seed ${seed}, ${values.minutes} minutes, of which ${(quietMs / 1_000).toFixed(0)} s quiet`)

const honest = new CrowdProcess({
  host: '127.0.0.1',
  port: node.stratumPort,
  miners: HONEST_MINERS,
  firstMiner: 1,
  userPrefix: `${user}.honest`,
  password: 'x',
  userAgent: 'honest/1',
  roots: 'one',
  connectAtOnce: 20
})
const { working } = await honest.connect()
const { stratum } = JSON.parse(await node.text('/v1/connect')) as ConnectJson
const sealedUrl = stratum.find(({ protocol }) => protocol === 'v2')?.url ?? ''
const sealed: SealedMiner[] = []
for (let n = 0; n < SEALED_MINERS; n++) {
  const kind = n % 2 === 0 ? 'extended' : 'standard'
  sealed.push(await SealedMiner.start(sealedUrl, `${sealedUser}.sealed${n}`, kind))
}

/** What the honest miners did in a stretch of time. */
async function stretch(during: () => Promise<unknown>): Promise<Tally> {
  await honest.count()
  honest.work(HONEST_SHARES_PER_SEC)
  await during()
  await honest.rest(REST_WITHIN_MS)
  return honest.tally()
}

const residentBytes = (): number => (pid === null ? Number.NaN : (costOf(pid)?.residentBytes ?? Number.NaN))

async function attackers(): Promise<number> {
  const child: ChildProcess = fork(ATTACKERS, [
    `${node.stratumPort}`,
    user,
    seed,
    `${ATTACKER_COUNT}`,
    /:(\d+)\//.exec(sealedUrl)?.[1] ?? ''
  ])
  const told = once(child, 'message')
  await pause(totalMs - quietMs)
  child.send('end')
  const [{ attacks }] = (await told) as [{ attacks: number }]
  return attacks
}

const warmUp = await stretch(() => pause(WARM_UP_MS))
const quiet = await stretch(() => pause(quietMs))
const residentBefore = residentBytes()
const sealedBefore = sealed.map(miner => miner.accepted)
let attacks = 0
const fire = await stretch(async () => {
  attacks = await attackers()
})
const sealedAccepted = sealed.map(miner => miner.accepted)
const view = await nodeView(node.apiUrl, 'honest')
const residentAfter = residentBytes()
const isAlive = node.program.isRunning

const refused = ({ rejected }: Tally): number => Object.values(rejected).reduce((sum, count) => sum + count, 0)
const p99Of = ({ latencies }: Tally): number => Latencies.of(latencies).quantileUs(0.99) / 1_000
const ratio = p99Of(fire) / p99Of(quiet)
const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`
const line = (name: string, tally: Tally): string =>
  `${name}: ${tally.sent} sent, ${tally.accepted} accepted, ${refused(tally)} refused, ${tally.unanswered} unanswered, p50 ${(Latencies.of(tally.latencies).quantileUs(0.5) / 1_000).toFixed(2)} ms, p99 ${p99Of(tally).toFixed(2)} ms`
const all = [warmUp, quiet, fire]
const accepted = all.reduce((sum, tally) => sum + tally.accepted, 0)
console.log(
  `${attacks} attacks; the node ${isAlive ? 'lives' : 'died'}; resident ${mib(residentBefore)}, then ${mib(residentAfter)}`
)
console.log(line(`${working} honest miners in quiet`, quiet))
console.log(line('under fire', fire))
console.log(`accepted of miners of Stratum V2, in quiet and after: ${sealedBefore} and ${sealedAccepted}`)
console.log(
  `p99 ratio ${ratio.toFixed(2)}; the node counts ${view?.accepted ?? 'nothing'} of their ${accepted} accepted shares`
)

const breaches = [
  !isAlive && 'the node died',
  sealed.some((_, n) => (sealedAccepted[n] ?? 0) <= (sealedBefore[n] ?? 0)) &&
    'an honest miner of Stratum V2 was not served',
  sealed.some(miner => miner.refused.length > 0) &&
    `shares of Stratum V2 refused: ${sealed.flatMap(miner => miner.refused)}`,
  working !== HONEST_MINERS && 'an honest miner got no work',
  Object.keys(fire.lost).length > 0 && `an honest miner lost its connection: ${JSON.stringify(fire.lost)}`,
  all.some(tally => tally.unanswered + tally.unmatched + refused(tally) > 0) && 'an honest share was lost or refused',
  view !== null && view.accepted !== accepted && 'the node has counted other shares than the miners',
  view === null && 'the node did not say what it has counted',
  residentAfter - residentBefore > MAX_GROWTH_BYTES && 'the node kept what it was sent',
  node.complaints.some(({ level }) => level === 'error') && 'the node met an error',
  !(ratio <= MAX_P99_RATIO) && 'the honest miners waited too long'
].filter(breach => breach !== false)
for (const breach of breaches) console.log(`BREACH: ${breach}`)
honest.end()
for (const miner of sealed) miner.stop()
await node.stop()
await rm(folder, { recursive: true, force: true })
process.exitCode = breaches.length === 0 ? 0 : 1
