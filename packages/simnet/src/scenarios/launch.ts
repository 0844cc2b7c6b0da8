import { edgesOf } from '../peers/topology.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Run, type Scenario } from './scenario.ts'

/** The first minutes have so much more hash power than the shares' target is made for. */
const BURST_FACTOR = 32
const BURST_BEGIN_MS = 5 * MINUTE_MS
const BURST_MS = 2 * MINUTE_MS
const RECOVERY_MS = 10 * MINUTE_MS
/** A link so slow that an answer takes longer than a second peer is waited for. */
const SLOW_LATENCY_MS = 3_500

/** All miners are far too fast for a while, so that dozens of shares are found before the first has reached everybody. */
function burst(run: Run): void {
  const { world, faults } = run
  run.at(BURST_BEGIN_MS, () => {
    for (const { node } of world.nodes) faults.setHashrate(node, BURST_FACTOR)
  })
  run.at(BURST_BEGIN_MS + BURST_MS, () => {
    for (const { node } of world.nodes) faults.setHashrate(node, 1)
    run.awaitAgreement('the burst')
  })
}

export const launchBurst: Scenario = {
  name: 'launch-burst',
  sentence: 'For two minutes there is 32 times the hash power; all agree soon after, and a new node syncs it.',
  defaults: { nodes: 12, hours: 0.75 },
  run(options) {
    const run = beginRun('launch-burst', options)
    burst(run)
    run.until(run.endMs)
    run.expectAgreementWithin(RECOVERY_MS)
    join(run, 100)
    run.rest()
    return run.report()
  }
}

export const slowReader: Scenario = {
  name: 'slow-reader',
  sentence: 'A new node whose links are all slow syncs a network that began with a burst.',
  defaults: { nodes: 8, hours: 0.75 },
  run(options) {
    const run = beginRun('slow-reader', options)
    burst(run)
    run.until(run.endMs)
    join(run, SLOW_LATENCY_MS)
    run.rest()
    return run.report()
  }
}

/** A new node comes, and is waited for. */
function join(run: Run, latencyMs: number): void {
  const { world } = run
  const newNode = world.addNode()
  const others = world.nodes.filter(({ node }) => node !== newNode.node).map(({ node }) => node)
  world.addEdges(edgesOf(newNode.node, others.slice(0, 4), latencyMs))
  newNode.start()
  const joinedMs = world.elapsedMs
  const watch = run.awaitAgreement('a new node joined')
  while (watch.agreedAtMs === null && world.elapsedMs < joinedMs + RECOVERY_MS) run.until(world.elapsedMs + 10_000)
  run.expect('the new node is on the tip of all', watch.agreedAtMs !== null, `${newNode.chain.confirmedTip().height}`)
}
