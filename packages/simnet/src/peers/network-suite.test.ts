import { describeNetwork, type NetworkEnd } from '@p2poolv2/gossip/testing/network-suite'
import { invariant, seededRng, unixMs } from '@p2poolv2/primitives'
import { SimNet } from '../sim-net.ts'
import { VirtualClock } from '../virtual-clock.ts'
import type { Endpoint } from './endpoint.ts'
import { peerIdOf } from './endpoint.ts'
import { PeerNetwork } from './peer-network.ts'

const PATIENCE_MS = 120_000
/** Above what it takes to dial again. */
const ATTEMPT_MS = 15_000

describeNetwork('of the simulator', async (nodes, edges) => {
  const clock = new VirtualClock(unixMs(0))
  const rng = seededRng('suite')
  const network = new PeerNetwork({ clock, net: new SimNet(clock, rng.fork('net')), rng, maxNodes: nodes.length })
  const until = async (holds: () => boolean): Promise<void> => {
    const endMs = unixMs(clock.nowMs + PATIENCE_MS)
    while (!holds()) invariant(clock.runNext(endMs), 'it comes to be so')
  }
  network.addEdges(edges.map(([dialer, listener]) => ({ dialer, listener, latencyMs: 20 })))
  const endpoints: Endpoint[] = nodes.map(({ dialect, tell }, node) => ({ node, dialect, tell }))
  for (const endpoint of endpoints) network.up(endpoint)
  const degree = (node: number): number => edges.filter(edge => edge.includes(node)).length
  await until(() => endpoints.every(({ node }) => network.peersOf(node).length === degree(node)))
  const ends = endpoints.map(
    ({ node }): NetworkEnd => ({
      peer: peerIdOf(node),
      perform: effect => network.perform(node, effect),
      stop: () => network.down(node)
    })
  )
  return {
    ends,
    until,
    // It dials again by itself.
    dial: async () => {
      const endMs = unixMs(clock.nowMs + ATTEMPT_MS)
      while (clock.runNext(endMs));
    },
    banMs: PATIENCE_MS,
    dispose: async () => {}
  }
})
