import '@p2poolv2/runtime/with-resolvers'
import { describeNetwork, type NetworkEnd } from '@p2poolv2/gossip/testing/network-suite'
import { isConnected, Loopback, type LoopbackNode } from './testing/loopback.ts'

describeNetwork('of libp2p over TCP', async (nodes, edges) => {
  const loopback = new Loopback()
  const started: LoopbackNode[] = []
  for (const { dialect, tell } of nodes) started.push(await loopback.start({ dialect, tell }))
  const at = (index: number) => {
    const node = started[index]
    if (node === undefined) throw new Error('there is such a node')
    return node
  }
  for (const [dialer, listener] of edges) await loopback.dial(at(dialer), at(listener))
  await loopback.changes.until(() => edges.every(([a, b]) => isConnected(at(a), at(b)) && isConnected(at(b), at(a))))
  return {
    ends: started.map(
      ({ network }): NetworkEnd => ({
        peer: network.peer,
        perform: effect => network.perform(effect),
        stop: () => void network.stop()
      })
    ),
    until: holds => loopback.changes.until(holds),
    dial: (from, to) => loopback.dial(at(from), at(to)),
    banMs: 60_000,
    dispose: () => loopback.stop()
  }
})
