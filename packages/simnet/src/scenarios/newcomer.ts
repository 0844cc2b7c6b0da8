import { corrupt } from '../hostile/mischief.ts'
import { lieAboutHeaders } from '../hostile/tampering.ts'
import { edgesOf } from '../peers/topology.ts'
import { beginRun } from './begin-run.ts'
import { HOUR_MS, type Scenario } from './scenario.ts'

/** Virtual hours in which 20,000 shares are mined at production spacing. */
const HOURS = 56
/** The slow peer's link, far below what a share a second needs. */
const SLOW_LATENCY_MS = 3_000
/** Waited for at most. */
const SYNC_LIMIT_MS = 2 * HOUR_MS

export const newcomer: Scenario = {
  name: 'newcomer',
  sentence: 'A new node syncs a chain of 20,000 shares with uncles from peers of which one is slow and one lies.',
  defaults: { nodes: 5, hours: HOURS },
  run(options) {
    const run = beginRun('newcomer', options, { latencyMs: [400, 900] })
    const { world } = run
    run.until(run.endMs)
    const [liar] = world.nodes
    if (liar !== undefined) corrupt(world, liar, lieAboutHeaders)
    const newNode = world.addNode()
    const others = world.nodes.filter(({ node }) => node !== newNode.node).map(({ node }) => node)
    const [, slow] = others
    world.addEdges(
      edgesOf(
        newNode.node,
        others.filter(node => node !== slow),
        100
      )
    )
    if (slow !== undefined) world.addEdges(edgesOf(newNode.node, [slow], SLOW_LATENCY_MS))
    const bytesBefore = others.map(node => world.net.bytesSent(node))
    const height = world.node(others[1] ?? 0).chain.confirmedTip().height
    newNode.start()
    const joinedMs = world.elapsedMs
    const watch = run.awaitAgreement('a new node joined')
    while (watch.agreedAtMs === null && world.elapsedMs < joinedMs + SYNC_LIMIT_MS) run.until(world.elapsedMs + 10_000)
    const bytes = others.reduce((sum, node, i) => sum + world.net.bytesSent(node) - (bytesBefore[i] ?? 0), 0)
    const tookMs = (watch.agreedAtMs ?? world.elapsedMs) - joinedMs
    run.expect(
      `${height} shares with ${newNode.chain.uncleCount} uncles were synced`,
      watch.agreedAtMs !== null,
      `${(tookMs / 1_000).toFixed(0)} s of virtual time, ${(bytes / 1e6).toFixed(1)} MB from all peers`
    )
    run.rest()
    return run.report(newNode)
  }
}
