import { identify, identifyPush } from '@libp2p/identify'
import type {
  ConnectionEncrypter,
  ConnectionGater,
  Libp2p,
  PeerDiscovery,
  PeerInfo,
  PrivateKey,
  Transport
} from '@libp2p/interface'
import { kadDHT } from '@libp2p/kad-dht'
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkNames, PeerAddress, PeerId } from '@p2poolv2/gossip'
import { asciiToBytes } from '@p2poolv2/primitives'
import { createLibp2p, type Libp2pOptions } from 'libp2p'

import { addressOf, tellable } from './addresses.ts'

import { MAX_UNREAD_BYTES } from './frame-stream.ts'
import { guardedMdns } from './guarded-mdns.ts'
import { guardedMuxer } from './guarded-muxer.ts'
import { routingOnly, type Told } from './kademlia.ts'
import { answeringWhileAsked } from './pings.ts'
import { noteProtocolsOnce, SILENT_LOGGER } from './quiet-host.ts'
import { type SocksOptions, socks } from './socks-transport.ts'
import { topicService } from './topics.ts'

/** Connections at most, beyond what the peering machine lets in: the last guard, not the rule. */
const MAX_CONNECTIONS = 256
/** Connections under way that have not said who they are; libp2p's ten are one slow stranger's. */
const MAX_PENDING_CONNECTIONS = 128
/** New connections of one address a second. libp2p's five refuse the nodes of one household that start together. */
const CONNECTS_PER_SEC = 64
/** Streams of a connection each way; the reference ends a connection at 512 both ways together. */
const MAX_STREAMS = 256
/** To say who one is. The reference gives ten seconds. */
const UPGRADE_WITHIN_MS = 10_000
/** identify answers at once or not at all; requests of the peer wait meanwhile. */
const IDENTIFY_WITHIN_MS = 4_000

/** Found on the local network. */
export interface LocalNetwork {
  /** Nodes of our share chain alone. */
  readonly serviceName: string
  readonly found: (peer: PeerInfo) => void
}

export interface HostOptions {
  readonly names: NetworkNames
  readonly privateKey: PrivateKey
  readonly agent: string
  readonly listen: readonly PeerAddress[]
  readonly announce: readonly PeerAddress[]
  /** Nodes of this chain are on one computer or in one house, so local addresses are told. */
  readonly isLocalChain: boolean
  /** Null speaks the protocol alone. `ignored`: a peer sends in topics although gossipsub does not listen to it any more. */
  readonly topics: { readonly ignored: (peer: PeerId) => void } | null
  /** A connected peer says who is where. */
  readonly toldByKademlia: Told
  readonly gater: ConnectionGater
  /** Where public addresses are dialled through, and onion services, which need it. */
  readonly proxy: SocksOptions | null
  /** Calls out on the local network and listens there; null keeps still. */
  readonly localNetwork: LocalNetwork | null
}

type LocalComponents = Omit<MulticastDNSComponents, 'addressManager'> & {
  readonly peerId: unknown
  readonly transportManager: { getAddrs(): Multiaddr[] }
}

type TransportMaker = NonNullable<Libp2pOptions['transports']>[number]

export type HostServices = ReturnType<typeof servicesOf>
export type Host = Libp2p<{ [K in keyof HostServices]: ReturnType<NonNullable<HostServices[K]>> }>

/** What libp2p's address manager has and the node does not show. */
interface AddressManager {
  addObservedAddr(address: Multiaddr): void
  confirmObservedAddr(address: Multiaddr): void
}

export function addressManagerOf(host: Host): AddressManager {
  return (host as unknown as { readonly components: { readonly addressManager: AddressManager } }).components
    .addressManager
}

/** libp2p as the network's nodes agree on it (protocol §18.2); not started yet. */
export async function createHost(options: HostOptions): Promise<Host> {
  const { names, privateKey, agent } = options
  const host = await createLibp2p({
    start: false,
    ...(process.env['DEBUG'] === undefined ? { logger: SILENT_LOGGER } : {}),
    privateKey,
    nodeInfo: { name: 'p2poolv2', version: '', userAgent: agent },
    addresses: {
      listen: [...options.listen],
      appendAnnounce: [...options.announce],
      announceFilter: addresses => tellable(shown(addresses, options), options)
    },
    transports: transportsOf(options.proxy),
    connectionEncrypters: [muxerApart(noise({ prologueBytes: asciiToBytes(names.protocols.shares) }))],
    streamMuxers: [
      guardedMuxer(
        yamux({
          maxInboundStreams: MAX_STREAMS,
          maxOutboundStreams: MAX_STREAMS,
          // A neighbour of ours opens its topics, identify, Kademlia and a handful of questions before we are through.
          maxEarlyStreams: 64,
          streamOptions: { maxReadBufferLength: MAX_UNREAD_BYTES }
        })
      )
    ],
    connectionGater: options.gater,
    peerDiscovery: options.localNetwork === null ? [] : [localNetwork(options.localNetwork)],
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
      inboundConnectionThreshold: CONNECTS_PER_SEC,
      inboundUpgradeTimeout: UPGRADE_WITHIN_MS,
      dialTimeout: UPGRADE_WITHIN_MS,
      addressDialTimeout: UPGRADE_WITHIN_MS,
      reconnectRetries: 0
    },
    // It ends a connection after one late answer, and the reference answers late while it writes. See pulse.ts.
    connectionMonitor: { enabled: false },
    services: servicesOf(options)
  })
  noteProtocolsOnce(host.peerStore)
  return host as Host
}

/** Behind a proxy that everything goes through, where we listen would say who we are: only what the operator announces is told. */
function shown(addresses: readonly Multiaddr[], { proxy, announce }: HostOptions): readonly Multiaddr[] {
  if (proxy?.isOnly !== true) return addresses
  return addresses.filter(address => announce.includes(addressOf(address)))
}

/** The first that takes an address dials it. */
function transportsOf(proxy: SocksOptions | null): TransportMaker[] {
  const direct = tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true }, maxConnections: MAX_CONNECTIONS })
  if (proxy === null) return [direct]
  return [socks(proxy), proxy.isOnly ? listenOnly(direct) : direct]
}

function listenOnly<C>(make: (components: C) => Transport): (components: C) => Transport {
  return components => {
    const transport = make(components)
    transport.dialFilter = () => []
    return transport
  }
}

function servicesOf(options: HostOptions) {
  const { names } = options
  return {
    identify: telling(names.protocols.shares, identify({ timeout: IDENTIFY_WITHIN_MS })),
    identifyPush: telling(names.protocols.shares, identifyPush({ timeout: IDENTIFY_WITHIN_MS })),
    ping: answeringWhileAsked(ping()),
    kademlia: routingOnly(
      kadDHT({
        protocol: names.kademlia,
        clientMode: false,
        allowQueryWithZeroPeers: true,
        peerInfoMapper: info => ({ ...info, multiaddrs: tellable(info.multiaddrs, options) })
      }),
      options.toldByKademlia
    ),
    ...(options.topics === null ? {} : { topics: topicService(names, options.topics.ignored) })
  }
}

/**
 * Leaves the choice of the muxer to the step after Noise, where the reference makes it too: between the two the gate decides, so who is
 * refused never sees a connection.
 */
function muxerApart<C>(make: (components: C) => ConnectionEncrypter): (components: C) => ConnectionEncrypter {
  return components => {
    const encrypter = make(components)
    return {
      protocol: encrypter.protocol,
      secureInbound: (stream, options) =>
        encrypter.secureInbound(stream, { ...options, skipStreamMuxerNegotiation: true }),
      secureOutbound: (stream, options) =>
        encrypter.secureOutbound(stream, { ...options, skipStreamMuxerNegotiation: true })
    }
  }
}

/** mDNS with the addresses that we listen on: those that others are told of have no private ones on most chains. */
function localNetwork({ serviceName, found }: LocalNetwork): (components: LocalComponents) => PeerDiscovery {
  return components => {
    const addressManager = {
      getAddresses: () =>
        components.transportManager.getAddrs().map(address => address.encapsulate(`/p2p/${components.peerId}`))
    }
    // It asks the address manager for nothing else.
    const own = { logger: components.logger, addressManager } as unknown as MulticastDNSComponents
    const service = guardedMdns(mdns({ serviceTag: serviceName })(own))
    service.addEventListener('peer', ({ detail }) => found(detail))
    return service
  }
}

/** Sends the protocol's own text as identify's `protocolVersion`; libp2p makes it from the prefix of the protocol's name. */
function telling<C, S>(protocolVersion: string, make: (components: C) => S): (components: C) => S {
  return components => {
    const service = make(components)
    const { host } = service as { host: { protocolVersion: string } }
    host.protocolVersion = protocolVersion
    return service
  }
}
