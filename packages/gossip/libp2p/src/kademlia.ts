import type { Connection, PeerId as LibPeerId, PeerInfo, Stream } from '@libp2p/interface'
import type { QueryEvent } from '@libp2p/kad-dht'
import type { PeerId } from '@p2poolv2/gossip'
import { BoundedMap, invariant, RateLimit, steadyMs } from '@p2poolv2/primitives'

/**
 * Kademlia's questions of one peer: ten a second, and 400 at once, which a lookup through every bucket needs. Further ones end their
 * stream. A question counts for two, itself and its stream.
 */
const LOOKUPS = { unitMs: 50, burst: 800 }
const MAX_LOOKING_UP = 1_024
/** Of one stream. A question has a hundred bytes, and some programs ask many on one stream; what it ends with costs it an opening. */
const MAX_QUESTION_BYTES = 16_384
/** Of an answer: twenty peers with eight addresses each are 8 kB. */
const MAX_ANSWER_BYTES = 65_536
/** Peers read of an answer, as many as honest ones have. */
const MAX_CLOSER = 20

interface KademliaHandler {
  handle(peer: { toString(): PeerId }, message: unknown): Promise<unknown>
}

/** The parts of Kademlia's service that are used here and its type leaves out. */
interface KademliaInternals {
  readonly rpc: {
    readonly handlers: Record<string, KademliaHandler>
    onIncomingStream(stream: Stream, connection: Connection): Promise<void>
  }
  readonly network: {
    _writeReadMessage(stream: Stream, ...rest: unknown[]): Promise<unknown>
    sendRequest(to: LibPeerId, ...rest: unknown[]): AsyncGenerator<QueryEvent>
  }
}

export type Told = (teller: PeerId, peers: readonly PeerInfo[]) => void

/**
 * Kademlia is for finding peers (protocol §18.2): what strangers ask to be stored here is not. The library answers as fast as it is
 * asked, and reads messages of megabytes, which take it a second.
 */
export function routingOnly<C, S>(make: (components: C) => S, told: Told): (components: C) => S {
  return components => {
    const service = make(components)
    const { rpc, network } = service as unknown as KademliaInternals
    const { handlers } = rpc
    invariant(handlers['FIND_NODE'] !== undefined, "Kademlia's handlers are where they were")
    const rates = new BoundedMap<PeerId, RateLimit>(MAX_LOOKING_UP)
    const isWithinRate = (peer: PeerId): boolean => {
      const rate = rates.get(peer) ?? new RateLimit(LOOKUPS)
      rates.set(peer, rate)
      return rate.take(1, steadyMs(Math.floor(performance.now())))
    }
    for (const [type, handler] of Object.entries(handlers)) {
      if (type !== 'FIND_NODE' && type !== 'PING') delete handlers[type]
      else
        handlers[type] = {
          handle: async (peer, message) => {
            if (!isWithinRate(peer.toString())) throw new RangeError('too many lookups')
            return await handler.handle(peer, message)
          }
        }
    }
    const answerStream = rpc.onIncomingStream.bind(rpc)
    rpc.onIncomingStream = async (stream, connection) => {
      if (!isWithinRate(connection.remotePeer.toString())) return stream.abort(new RangeError('too many lookups'))
      endAfter(MAX_QUESTION_BYTES, stream)
      await answerStream(stream, connection)
    }
    const ask = network._writeReadMessage.bind(network)
    network._writeReadMessage = (stream, ...rest) => {
      endAfter(MAX_ANSWER_BYTES, stream)
      return ask(stream, ...rest)
    }
    const sendRequest = network.sendRequest.bind(network)
    network.sendRequest = async function* (to, ...rest) {
      for await (const event of sendRequest(to, ...rest)) {
        if (event.name === 'PEER_RESPONSE') told(to.toString(), event.closer.slice(0, MAX_CLOSER))
        yield event
      }
    }
    return service
  }
}

/** Ends a stream once more has come than it may bring; whoever waits for the rest hears of it. */
function endAfter(bytes: number, stream: Stream): void {
  let left = bytes
  stream.addEventListener('message', ({ data }) => {
    left -= data.byteLength
    if (left < 0) stream.abort(new RangeError('a message of Kademlia is too large'))
  })
}
