import type { PeerEvent } from '@p2poolv2/gossip'
import { seededRng, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { SimNet } from '../sim-net.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { type Endpoint, peerIdOf } from './endpoint.ts'
import { PeerNetwork } from './peer-network.ts'

/** Notes what it is told; does with it what the test says. */
class ScriptedPeer implements Endpoint {
  readonly node: number
  readonly dialect: 'ours' | 'reference'
  readonly told: string[] = []
  /** Requests whose answer has left. */
  readonly left: number[] = []
  onGossip: (messageId: string) => void = () => {}
  onRequest: (requestId: number, payload: Uint8Array) => void = () => {}

  constructor(node: number, dialect: 'ours' | 'reference' = 'ours') {
    this.node = node
    this.dialect = dialect
  }

  tell(event: PeerEvent): void {
    switch (event.type) {
      case 'peerConnected':
        this.told.push(`+${event.peer} ${event.direction} ${event.dialect}`)
        break
      case 'peerGone':
        this.told.push(`-${event.peer}`)
        break
      case 'gossip':
        this.told.push(`topic ${event.data.join(',')} from ${event.peer}`)
        this.onGossip(event.messageId)
        break
      case 'peerRequest':
        this.told.push(`asked ${event.payload.join(',')}`)
        this.onRequest(event.requestId, event.payload)
        break
      case 'peerResponse':
        this.told.push(`answer ${event.requestId} ${event.payload?.join(',') ?? 'none'}`)
        break
      case 'responded':
        this.left.push(event.requestId)
        break
      default:
        this.told.push(`failed ${event.requestId} ${event.reason}`)
    }
  }
}

/** Nodes in a row: each knows the next. */
function row(dialects: readonly ('ours' | 'reference')[]) {
  const clock = new VirtualClock(unixMs(0))
  const rng = seededRng('row')
  const network = new PeerNetwork({ clock, net: new SimNet(clock, rng.fork('net')), rng, maxNodes: 16 })
  const peers = dialects.map((dialect, node) => new ScriptedPeer(node, dialect))
  network.addEdges(peers.slice(1).map(({ node }) => ({ dialer: node - 1, listener: node, latencyMs: 20 })))
  for (const peer of peers) network.up(peer)
  const run = (ms: number): void => {
    const end = unixMs(clock.nowMs + ms)
    while (clock.runNext(end));
  }
  run(5_000)
  const peer = (node: number): ScriptedPeer => {
    const found = peers[node]
    if (found === undefined) throw new Error('there is such a peer')
    return found
  }
  const clear = (): void => {
    for (const { told } of peers) told.length = 0
  }
  return { network, peer, run, clear }
}

const about = (requestId: number) => ({ requestId, protocol: 'shares' as const, timeoutMs: 10_000 })
const request = (to: number, requestId: number, payload: number[]) => ({
  type: 'request' as const,
  peer: peerIdOf(to),
  payload: Uint8Array.from(payload),
  ...about(requestId)
})
const respond = (requestId: number, payload: Uint8Array | null) => ({
  type: 'respond' as const,
  peer: peerIdOf(0),
  requestId,
  payload
})

it('connects both ends and says who dialled and which dialect they share', () => {
  const { peer } = row(['ours', 'ours', 'reference'])
  expect(peer(1).told).toEqual(['+n0 inbound ours', '+n2 outbound reference'])
  expect(peer(2).told).toEqual(['+n1 inbound reference'])
})

it('carries a topic message on only with a verdict to accept, and to each node once', () => {
  const { network, peer, run, clear } = row(['ours', 'ours', 'ours', 'ours'])
  clear()
  for (const node of [1, 2, 3]) {
    peer(node).onGossip = messageId => {
      network.verdict(node, messageId, node === 2 ? 'ignore' : 'accept')
    }
  }
  network.publish(0, 'shares', Uint8Array.of(7))
  network.publish(0, 'shares', Uint8Array.of(7))
  run(1_000)
  expect(peer(1).told).toEqual(['topic 7 from n0'])
  expect(peer(2).told).toEqual(['topic 7 from n1'])
  expect(peer(3).told).toEqual([])
})

it('keeps topics from reference peers', () => {
  const { network, peer, run, clear } = row(['ours', 'reference'])
  clear()
  network.publish(0, 'shares', Uint8Array.of(7))
  run(1_000)
  expect(peer(1).told).toEqual([])
})

it('brings a request its answer, no answer, or a time-out', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  clear()
  peer(1).onRequest = (id, payload) => {
    if (payload[0] === 1) network.perform(1, respond(id, Uint8Array.of(11)))
    if (payload[0] === 2) network.perform(1, respond(id, null))
  }
  for (const kind of [1, 2, 3]) network.perform(0, request(1, kind, [kind]))
  run(5_000)
  expect(peer(0).told).toEqual(['answer 1 11', 'answer 2 none'])
  run(10_000)
  expect(peer(0).told.at(-1)).toBe('failed 3 timeout')
  expect(network.openRequests).toBe(0)
})

it('tells that an answer has left when the line has carried it, and of one that is not taken at the end', () => {
  const { network, peer, run } = row(['ours', 'ours'])
  const large = new Uint8Array(1_000_000)
  peer(1).onRequest = (id, payload) => network.perform(1, respond(id, payload[0] === 1 ? large : Uint8Array.of(1)))
  network.perform(0, request(1, 1, [1]))
  run(500)
  expect(peer(1).left).toEqual([])
  run(500)
  expect(peer(1).left).toHaveLength(1)
  network.readSlowly(0, 0)
  network.perform(0, request(1, 2, [2]))
  run(60_000)
  expect(peer(1).left).toHaveLength(1)
  network.down(0)
  run(60_000)
  expect(peer(1).left).toHaveLength(2)
})

it('gives a slow reader its answers at its pace, and the giver word of each', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  peer(1).onRequest = id => network.perform(1, respond(id, new Uint8Array(992)))
  network.readSlowly(0, 500)
  clear()
  for (const id of [1, 2]) network.perform(0, request(1, id, [1]))
  run(1_500)
  expect([peer(0).told.length, peer(1).left.length]).toEqual([0, 0])
  run(1_000)
  expect([peer(0).told.length, peer(1).left.length]).toEqual([1, 1])
  run(2_000)
  expect([peer(0).told.length, peer(1).left.length]).toEqual([2, 2])
  network.readAtOnce(0)
  network.perform(0, request(1, 3, [1]))
  run(200)
  expect(peer(0).told).toHaveLength(3)
})

it('has a slow reader close what it gives up, and read the next at once', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  peer(1).onRequest = id => network.perform(1, respond(id, new Uint8Array(992)))
  // Fifty seconds an answer: both are given up before the first is read.
  network.readSlowly(0, 20)
  clear()
  for (const id of [1, 2]) network.perform(0, request(1, id, [1]))
  run(49_000)
  expect([peer(0).told.length, peer(1).left.length]).toEqual([2, 2])
  network.readSlowly(0, 500)
  network.perform(0, request(1, 3, [1]))
  run(2_500)
  expect([peer(0).told.length, peer(1).left.length]).toEqual([3, 3])
})

it('takes a request for a new one whose number its maker has given before its end', () => {
  const { network, peer, run, clear } = row(['ours', 'ours', 'ours'])
  peer(2).onRequest = id => network.perform(2, { ...respond(id, Uint8Array.of(7)), peer: peerIdOf(1) })
  // Node 0 does not hear of the end of node 1, which has asked it.
  network.partition([[0], [1, 2]])
  network.perform(1, { ...request(0, 1, [1]), timeoutMs: 60_000 })
  network.down(1)
  network.up(peer(1))
  run(15_000)
  clear()
  network.perform(1, request(2, 1, [2]))
  run(1_000)
  expect([peer(2).told, peer(1).told]).toEqual([['asked 2'], ['answer 1 7']])
  run(60_000)
  expect(peer(1).told).not.toContain('failed 1 timeout')
})

it('takes its connections from a node at a new address, and tells its peers by their pings or by its coming back', () => {
  const { network, peer, run, clear } = row(['ours', 'ours', 'ours'])
  clear()
  network.perform(0, request(1, 1, [1]))
  network.changeAddress(1)
  expect([peer(1).told, peer(0).told]).toEqual([['-n0', '-n2'], []])
  run(5_000)
  // It dials whom it had dialled; who had dialled it finds out later.
  expect([peer(0).told, peer(2).told]).toEqual([[], ['-n1', '+n1 inbound ours']])
  run(60_000)
  expect(peer(0).told).toEqual(['-n1', '+n1 outbound ours'])
  expect(peer(1).told).toEqual(['-n0', '-n2', '+n2 outbound ours', '+n0 inbound ours'])
})

it('holds what it answered before a cut until the cut or the connection is over', () => {
  const { network, peer, run } = row(['ours', 'ours'])
  peer(1).onRequest = id => network.perform(1, respond(id, Uint8Array.of(1)))
  network.perform(0, request(1, 1, [1]))
  run(45)
  network.partition([[1]])
  run(200)
  const soon = peer(1).left.length
  run(60_000)
  expect([soon, peer(1).left.length, peer(1).told.at(-1)]).toEqual([soon, 1, '-n0'])
})

it('closes a stream with a broken frame without telling the node, and tells the asker of a broken answer', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  clear()
  network.requestFrame(0, 1, { ...about(1), frame: Uint8Array.of(1, 2, 3) })
  peer(1).onRequest = id => network.respondFrame(1, id, Uint8Array.of(9))
  network.perform(0, request(1, 2, [5]))
  run(5_000)
  expect(peer(1).told).toEqual(['asked 5'])
  expect(peer(0).told).toEqual(['answer 1 none', 'failed 2 malformed'])
})

it('tells who is left of a peer that died, and connects again when it is back', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  clear()
  network.down(1)
  run(30_000)
  expect(peer(0).told).toEqual(['-n1'])
  network.up(peer(1))
  run(30_000)
  expect(peer(0).told).toEqual(['-n1', '+n1 outbound ours'])
})

it('notices a cut by its pings, and the healing by dialling', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  clear()
  network.partition([[1]])
  run(60_000)
  expect(peer(0).told).toEqual(['-n1'])
  network.heal()
  run(30_000)
  expect(peer(1).told).toEqual(['-n0', '+n0 inbound ours'])
})

it('does not let a dropped peer in before its ban is over', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  clear()
  network.drop(0, 1, 100_000)
  run(90_000)
  expect([peer(0).told, peer(1).told]).toEqual([[], ['-n0']])
  run(60_000)
  expect(peer(0).told).toEqual(['+n1 outbound ours'])
})

it('delivers what a node sent before it died, and then the news of its end', () => {
  const { network, peer, run, clear } = row(['ours', 'ours'])
  clear()
  network.publish(0, 'shares', Uint8Array.of(7))
  network.perform(0, request(1, 1, [5]))
  network.down(0)
  run(1_000)
  expect(peer(1).told).toEqual(['topic 7 from n0', 'asked 5', '-n0'])
})
