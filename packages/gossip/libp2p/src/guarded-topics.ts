import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import type { PeerId as LibPeerId, Stream } from '@libp2p/interface'
import { MAX_TOPIC_BYTES, type PeerId } from '@p2poolv2/gossip'
import { BoundedMap, invariant, RateLimit, type SteadyMs, steadyMs } from '@p2poolv2/primitives'

/** What comes with a message in one packet: names of messages offered and asked for, five thousand each at 22 bytes, and what is said of topics. */
const MAX_CONTROL_BYTES = 262_144
/** One packet of a neighbour: the largest share with all else that may be said with it. A larger one is the end of its stream, which the watchdog mends. */
export const MAX_PACKET_BYTES = MAX_TOPIC_BYTES.shares + MAX_CONTROL_BYTES

/** Entries of one packet; one with more is not read to its end. gossipsub itself makes no larger ones. */
export const PACKET_LIMITS = {
  // Two topics, come to and left; a stranger's program may be in more, which are skipped.
  maxSubscriptions: 64,
  maxMessages: 64,
  maxIhaveMessageIDs: 5_000,
  maxIwantMessageIDs: 5_000,
  maxIdontwantMessageIDs: 512,
  // Each kind has one entry for a topic, of which there are two.
  maxControlMessages: 4,
  // Nobody is taken from it; others' programs send so many.
  maxPeerInfos: 16
}

/**
 * What is read of one peer, in units of 256 bytes: 256 kB a second, and four megabytes at once. The largest shares there can be, one
 * every ten seconds, are 105 kB a second. A hostile packet takes 40 ms to read at most, and a peer that sends nothing else a hundredth
 * of the processor. What is above waits, and its sender with it.
 */
const READING = { unitMs: 1, burst: 16_384 }
const UNIT_BYTES = 256
/** A packet costs this much more than its bytes: an empty one is read, looked at and answered for like any other. */
const PACKET_UNITS = 4
/** So many names of messages cost a unit: each is made a string and looked up, and one without a byte in it like any other. */
const NAMES_PER_UNIT = 4
/** Peers whose reading is remembered, so that a new stream or connection is no new budget; at the cap the one met first begins anew. */
const MAX_READ_PEERS = 1_024
/** Sent by the peer before it has to wait: all of it fits into what a stream may hold unread. */
const STREAM_WINDOW_BYTES = 1_048_576
/** Streams of topics that a peer may have towards us; the last one is heard, and the watchdog makes a new one now and then. */
export const MAX_TOPIC_STREAMS = 4

interface Packet {
  readonly byteLength: number
  subarray(): Uint8Array
}

interface Names {
  readonly messageIDs: readonly unknown[]
}

interface Rpc {
  readonly subscriptions: readonly unknown[]
  readonly messages: readonly unknown[]
  readonly control?: {
    readonly ihave: readonly Names[]
    readonly iwant: readonly Names[]
    readonly idontwant: readonly Names[]
  }
}

/** The parts of gossipsub that are used here and its type leaves out; they are looked for when it is made. */
interface GossipSubInternals {
  readonly score: { addPenalty(peer: string, penalty: number, label: string): void }
  acceptFrom(peer: string): boolean
  decodeRpc(packet: Uint8Array): Rpc
  handleReceivedRpc(from: LibPeerId, rpc: Rpc): Promise<void>
  handlePeerReadStreamError(error: Error, from: LibPeerId): void
  createInboundStream(from: LibPeerId, stream: Stream): void
  pipePeerReadStream(from: LibPeerId, packets: AsyncIterable<Packet>): Promise<void>
  sendRpc(to: string, rpc: Rpc): boolean
}

/** gossipsub's own reading and sending, within bounds. */
export function guardedTopics<C>(
  make: (components: C) => GossipSub,
  ignored: (peer: PeerId) => void
): (components: C) => GossipSub {
  return components => {
    const service = make(components)
    const internals = service as unknown as GossipSubInternals
    for (const name of ['acceptFrom', 'decodeRpc', 'handleReceivedRpc', 'createInboundStream', 'sendRpc'] as const) {
      invariant(typeof internals[name] === 'function', `gossipsub has ${name}`)
    }
    invariant(typeof internals.pipePeerReadStream === 'function', 'gossipsub reads a stream by a method of its own')
    guardReading(internals, ignored)
    guardSending(internals)
    return service
  }
}

/** The library reads whatever comes as fast as it comes, and looks away from what it cannot read. */
function guardReading(internals: GossipSubInternals, ignored: (peer: PeerId) => void): void {
  const budgets = new BoundedMap<PeerId, RateLimit>(MAX_READ_PEERS)
  const createInboundStream = internals.createInboundStream.bind(internals)
  let arriving: Stream | null = null
  internals.createInboundStream = (from, stream) => {
    // Its reading begins within the call.
    arriving = stream
    narrow(stream)
    createInboundStream(from, stream)
    arriving = null
  }
  internals.pipePeerReadStream = async (from, packets) => {
    const stream = arriving
    invariant(stream !== null, 'a stream is read when it is made')
    const peer = from.toString()
    const budget = budgets.get(peer) ?? new RateLimit(READING)
    budgets.set(peer, budget)
    try {
      for await (const packet of packets) {
        await payFor(packet, { budget, stream })
        if (internals.acceptFrom(peer)) budget.spend(unitsOf(take(packet, from)), now())
        else ignored(peer)
      }
    } catch (error) {
      internals.handlePeerReadStreamError(error instanceof Error ? error : new Error(String(error)), from)
    }
  }
  const take = (packet: Packet, from: LibPeerId): Rpc | null => {
    let rpc: Rpc
    try {
      rpc = internals.decodeRpc(packet.subarray())
    } catch {
      // As a broken promise: the first few are free, some more are the end.
      internals.score.addPenalty(from.toString(), 1, 'unreadable')
      return null
    }
    // It never rejects but for a bug of the library, which no stranger may turn into the end of the process.
    internals.handleReceivedRpc(from, rpc).catch(() => undefined)
    return rpc
  }
}

/** Waits, and lets the sender wait, until the peer has room for a packet. Costs of what came at once are paid before more is read. */
async function payFor(
  packet: Packet,
  { budget, stream }: { readonly budget: RateLimit; readonly stream: Stream }
): Promise<void> {
  const units = PACKET_UNITS + Math.ceil(packet.byteLength / UNIT_BYTES)
  const waitMs = budget.allowedAtMs(units, now()) - now()
  if (waitMs > 0 && stream.status === 'open') {
    if (stream.readStatus === 'readable') stream.pause()
    await untilOver(waitMs, stream)
    if (stream.readStatus === 'paused') stream.resume()
  }
  budget.spend(units, now())
}

/** What a packet costs beside its bytes, once it has been read. */
function unitsOf(rpc: Rpc | null): number {
  if (rpc?.control === undefined) return 0
  const { ihave, iwant, idontwant } = rpc.control
  const names = [...ihave, ...iwant, ...idontwant].reduce((sum, { messageIDs }) => sum + messageIDs.length, 0)
  return Math.ceil(names / NAMES_PER_UNIT)
}

function untilOver(waitMs: number, stream: Stream): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      stream.removeEventListener('close', end)
      resolve()
    }
    const timer = setTimeout(end, waitMs)
    stream.addEventListener('close', end)
  })
}

/** yamux lets a quick sender have sixteen mebibytes under way, more than a stream that waits may hold. */
function narrow(stream: Stream): void {
  const window = stream as unknown as { maxStreamWindowSize: number }
  invariant(typeof window.maxStreamWindowSize === 'number', 'a stream has a largest window')
  window.maxStreamWindowSize = STREAM_WINDOW_BYTES
}

/** Who asks for several messages gets each in a packet of its own: together they may be larger than a packet can be. */
function guardSending(internals: GossipSubInternals): void {
  const sendRpc = internals.sendRpc.bind(internals)
  internals.sendRpc = (to, rpc) => {
    const [first, ...rest] = rpc.messages
    if (rest.length === 0) return sendRpc(to, rpc)
    if (!sendRpc(to, { ...rpc, messages: [first] })) return false
    return rest.every(message => sendRpc(to, { subscriptions: [], messages: [message] }))
  }
}

function now(): SteadyMs {
  return steadyMs(Math.floor(performance.now()))
}
