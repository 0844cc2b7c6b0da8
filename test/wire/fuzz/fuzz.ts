// `npm run fuzz:wire -- [--minutes 10] [--seed N]`: random and mutated frames, streams and bytes against a live node, each of them in a
// process of its own, while an honest peer measures how long its requests take. Another honest peer asks a node that nobody attacks: the
// two share a computer with whatever else it does, so what they wait beyond each other is the fire's. Ends with 1 if the node dies, keeps
// what it was sent, or leaves its honest peer without an answer or waiting more than twice as long as the other.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { seededRng } from '@p2poolv2/primitives'
import { attack, Dice } from './attacks.ts'
import { HonestPeer, type Stretch } from './honest-peer.ts'
import { NodeUnderFire } from './node-under-fire.ts'

/** Part of the time before anybody attacks, and of it at most. */
const QUIET_SHARE = 0.15
const MAX_QUIET_MS = 60_000
const ATTACKERS = 4
/** One attack at most; and between two of one attacker, so that attacks do not take the processor that is measured. */
const ATTACK_WITHIN_MS = 4_000
const PAUSE_MS = 60
/** Held more than in quiet once everybody has left, without garbage: caches fill, code is compiled. */
const MAX_GROWTH_BYTES = 48 * 1_048_576
/** Held at any time, garbage and all. */
const MAX_PEAK_BYTES = 384 * 1_048_576
const MAX_P99_RATIO = 2

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
const totalMs = Number(values.minutes) * 60_000
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32))
const quietMs = Math.min(MAX_QUIET_MS, totalMs * QUIET_SHARE)

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`

console.log(`seed ${seed}, ${values.minutes} minutes, of which ${(quietMs / 1_000).toFixed(0)} s quiet`)
const node = await NodeUnderFire.start()
const bystander = await NodeUnderFire.start()
const honest = new HonestPeer(node)
const aside = new HonestPeer(bystander)

/** What both waited since they were last asked. */
const stretches = () => ({ honest: honest.stretch(), aside: aside.stretch() })

// Until the code of all ends is compiled.
await sleep(3_000)
stretches()
await sleep(quietMs)
const quiet = stretches()
const before = await node.collected()
// What the collection held up is not the fire's.
await sleep(1_000)
stretches()

const endMs = performance.now() + totalMs - quietMs
let attacks = 0
async function attacker(dice: Dice): Promise<void> {
  while (performance.now() < endMs && node.exit === null) {
    await attack(node, dice, ATTACK_WITHIN_MS)
    attacks++
    await sleep(PAUSE_MS)
  }
}
const rng = seededRng(seed)
await Promise.all(Array.from({ length: ATTACKERS }, (_, n) => attacker(new Dice(rng.fork(`attacker ${n}`)))))
const fire = stretches()

// Slow things end within their times.
if (node.exit === null) await sleep(15_000)
const peak = Math.max(...node.holdings.map(({ usedBytes }) => usedBytes))
const after = node.exit === null ? await node.collected() : before
const ratio = fire.honest.p99 / fire.aside.p99
const { failures } = honest
const line = (name: string, { requests, p50, p99 }: Stretch): string =>
  `${name}: ${requests} requests, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
console.log(`${attacks} attacks; the node ${node.exit === null ? 'lives' : `died: ${node.exit}`}`)
console.log(
  `held: ${mib(before.usedBytes)} in quiet, ${mib(after.usedBytes)} after, ${mib(peak)} at most with garbage; rss ${mib(after.rssBytes)}`
)
console.log(`connections: ${before.connections} in quiet, ${after.connections} after`)
console.log(line('honest peer in quiet', quiet.honest))
console.log(line('honest peer under fire', fire.honest))
console.log(line('the other, in quiet', quiet.aside))
console.log(line('the other, beside the fire', fire.aside))
console.log(
  `p99 ratio ${ratio.toFixed(2)} under fire (${(quiet.honest.p99 / quiet.aside.p99).toFixed(2)} in quiet), load ${loadavg()[0]?.toFixed(1)}; ` +
    `${failures.length} requests failed${failures[0] === undefined ? '' : `, first: ${failures[0]}`}`
)

const breaches = [
  node.exit !== null && 'the node died',
  honest.exit !== null && 'the honest peer could not go on',
  failures.length > 0 && 'requests of the honest peer failed',
  after.usedBytes - before.usedBytes > MAX_GROWTH_BYTES && 'the node kept what it was sent',
  peak > MAX_PEAK_BYTES && 'the node held too much',
  after.connections > before.connections && 'connections were left behind',
  !(ratio <= MAX_P99_RATIO) && 'the honest peer waited too long'
].filter(breach => breach !== false)
for (const breach of breaches) console.log(`BREACH: ${breach}`)
for (const peer of [honest, aside]) peer.stop()
for (const live of [node, bystander]) await live.stop()
process.exitCode = breaches.length === 0 ? 0 : 1
