import '@p2poolv2/runtime/with-resolvers'
import type { Connection, PeerId as LibPeerId, PeerInfo } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { ChainParams } from '@p2poolv2/consensus'
import {
  type DialFailure,
  networkNames,
  type PeerAddress,
  type PeerEffect,
  type PeerEvent,
  type PeerId,
  type PeeringEvent,
  parseAddress
} from '@p2poolv2/gossip'
import { bytesToHex } from '@p2poolv2/primitives'
import { MESSAGES, systemRng } from '@p2poolv2/runtime'
import { addressOf, MAX_ADDRESSES_PER_PEER, portOf, tellable } from './addresses.ts'
import type { LiveConnection, Network, NetworkOptions } from './contract.ts'
import { dialFailure } from './dial-failure.ts'
import { Gate, type OrderedDial } from './gate.ts'
import { addressManagerOf, createHost, type Host } from './host.ts'
import { MachinePort } from './machine-port.ts'
import { Peers } from './peers.ts'
import { Pulse } from './pulse.ts'
import { type Reachability, ReachabilityCheck } from './reachability.ts'
import { type Handler, type Outcome, Requests } from './requests.ts'
import { type PortForwarding, portForwarding } from './router/port-forwarding.ts'
import { bytesOf } from './socket-bytes.ts'
import { TimeOuts } from './time-outs.ts'
import { speaksTopics, type TopicMessage, Topics } from './topics.ts'

/** A dial takes so long at most, with everything until the connection stands. */
const DIAL_WITHIN_MS = 15_000
/** As long as the gossip machine bans for what no honest node does. */
const FLOOD_BAN_MS = 600_000
/** How often it is looked whether somebody is to be asked if we can be reached. */
const CHECK_EVERY_MS = 30_000

/**
 * Starts listening.
 * @throws what libp2p throws when it cannot listen
 */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const network = await LibNetwork.make(options)
  await network.start()
  return network
}

/** Chains whose nodes are on one computer or in one house. */
function isLocalChain({ chain }: ChainParams): boolean {
  return chain === 'regtest' || chain === 'devnet'
}

class LibNetwork implements Network {
  readonly peer: PeerId
  readonly #options: NetworkOptions
  readonly #host: Host
  readonly #gate: Gate
  readonly #peers: Peers
  readonly #requests: Requests
  readonly #machine: MachinePort
  readonly #reachability: ReachabilityCheck
  readonly #dials = new TimeOuts()
  #checking: NodeJS.Timeout | undefined
  readonly #listening = new Set<PeerAddress>()
  #port: number | null = null
  #isStopped = false
  #topics: Topics | null = null
  #pulse: Pulse | null = null
  #forwarding: PortForwarding | null = null

  static async make(options: NetworkOptions): Promise<LibNetwork> {
    const names = options.names ?? networkNames(options.params)
    const now = () => options.clock.now().steadyMs
    const network: { it: LibNetwork | null } = { it: null }
    // Both speak in the clear.
    const isHidden = options.proxy?.isOnly === true
    const serviceName = `_p2poolv2-${names.topics.shares.split('/')[3]}._udp.local`
    const gate = new Gate({
      own: peerIdFromPrivateKey(options.privateKey).toString(),
      admits: options.admits,
      now,
      cameAgain: peer => network.it?.cameAgain(peer),
      refused: why => options.log.debug(why, 'a connection was refused')
    })
    const host = await createHost({
      names,
      privateKey: options.privateKey,
      agent: options.agent,
      listen: options.listen,
      announce: options.announce ?? [],
      isLocalChain: isLocalChain(options.params),
      // Not banned: the score is kept, and may be that of its neighbours at one address.
      topics:
        options.dialect === 'reference' ? null : { ignored: peer => network.it?.close(peer, 'ignored in topics') },
      toldByKademlia: (teller, peers) => network.it?.toldByKademlia(teller, peers),
      gater: gate.gater,
      localNetwork:
        options.localNetwork === true && !isHidden
          ? { serviceName, found: peer => network.it?.foundNearby(peer) }
          : null,
      proxy:
        options.proxy === undefined
          ? null
          : { proxy: options.proxy, isOnly: options.proxy.isOnly, secret: bytesToHex(systemRng().bytes(16)) }
    })
    network.it = new LibNetwork(options, { host, gate })
    return network.it
  }

  private constructor(options: NetworkOptions, { host, gate }: { readonly host: Host; readonly gate: Gate }) {
    this.#options = options
    this.#host = host
    this.#gate = gate
    this.peer = host.peerId.toString()
    const names = options.names ?? networkNames(options.params)
    const isOurs = options.dialect !== 'reference'
    this.#peers = new Peers({
      tell: event => this.#tell(event),
      tellPeering: event => this.#tellPeering(event),
      now: () => options.clock.now().steadyMs,
      speaksOurs: protocols => isOurs && speaksTopics(protocols) && protocols.includes(names.protocols.templates),
      reachesInTopics: peer => this.#topics?.reaches(peer) === true,
      dropped: message => this.#topics?.judge(message.messageId, 'ignore'),
      flooded: peer => this.#flooded(peer)
    })
    this.#requests = new Requests(host, this.#peers)
    this.#reachability = new ReachabilityCheck({
      now: () => options.clock.now().steadyMs,
      connections: () => this.#peers.statuses(),
      port: () => this.#reachablePort(),
      observedBy: peer => this.#peers.observedBy(peer),
      ask: order => this.#requests.ask({ ...order, protocol: names.dialback }),
      probe: (address, peer, withinMs) => this.#probe(address, peer, withinMs),
      probesPrivate: isLocalChain(options.params),
      reached: address => this.#isReachedAt(address),
      changed: state => options.log.info({ state }, 'whether others can dial this node has been found out')
    })
    this.#machine = new MachinePort({
      names,
      requests: this.#requests,
      tellOf: (peer, event) => this.#peers.tellOf(peer, event)
    })
  }

  async start(): Promise<void> {
    const names = this.#options.names ?? networkNames(this.#options.params)
    const isOurs = this.#options.dialect !== 'reference'
    this.#host.addEventListener('transport:listening', ({ detail }) => {
      for (const address of detail.getAddrs()) {
        this.#port ??= portOf(address)
        this.#listening.add(addressOf(address))
      }
    })
    this.#host.addEventListener('connection:open', ({ detail }) => this.#peers.opened(detail))
    this.#host.addEventListener('connection:close', ({ detail }) => this.#closed(detail))
    this.#host.addEventListener('peer:identify', ({ detail }) => this.#peers.identified(detail))
    // Who is not connected is kept by the peering machine, not by libp2p.
    this.#host.addEventListener('peer:discovery', ({ detail: { id } }) => {
      if (this.#peers.connectionOf(id.toString()) === null) this.#forget(id)
    })
    await this.#machine.serve(isOurs ? ['shares', 'templates', 'rules'] : ['shares'])
    // Behind a proxy nobody is dialled directly, and a dial through it would say nothing.
    if (isOurs && this.#options.proxy === undefined) await this.serve(names.dialback, this.#reachability.serve)
    await this.#host.start()
    this.#tellPeering({ type: 'listening', addresses: [...this.#listening] })
    // It speaks in the clear as well.
    if (this.#options.mapsPort === true && this.#options.proxy?.isOnly !== true)
      this.#forwarding = portForwarding(this.#listening, this.#options.log)
    this.#forwarding?.start()
    const service = this.#host.services.topics
    if (service !== undefined) {
      this.#topics = new Topics(service, {
        names,
        take: message => this.#heard(message),
        changed: peer => this.#peers.changed(peer)
      })
    }
    this.#pulse = new Pulse({
      connections: () => this.#peers.all,
      dialectOf: peer => this.#peers.dialectOf(peer),
      topics: this.#topics,
      changed: peer => this.#peers.changed(peer),
      ping: (connection, signal) => this.#host.services.ping.ping(connection.remotePeer, { signal }),
      log: this.#options.log
    })
    this.#checking = setInterval(() => void this.#reachability.ask(), CHECK_EVERY_MS)
  }

  get reachability(): Reachability {
    return this.#reachability.state
  }

  checkReachability(): Promise<Reachability> {
    return this.#reachability.ask()
  }

  get port(): number | null {
    return this.#port
  }

  addresses(): PeerAddress[] {
    return [...new Set(this.#host.getMultiaddrs().map(addressOf))]
  }

  perform(effect: PeerEffect): void {
    switch (effect.type) {
      case 'publish':
        this.#publish(effect)
        break
      case 'verdict':
        this.#topics?.judge(effect.messageId, effect.verdict)
        // Only a valid share is passed on, and only who was first to bring it is judged.
        if (effect.verdict === 'accept') this.#tellPeering({ type: 'useful', peer: effect.peer })
        break
      case 'request':
        this.#machine.request(effect)
        break
      case 'respond':
        this.#machine.respond(effect)
        break
      case 'penalise':
        this.#options.log.debug({ peer: effect.peer, points: effect.points, code: effect.code }, 'a peer broke a rule')
        this.#tellPeering({ type: 'penalised', peer: effect.peer, points: effect.points })
        break
      case 'otherRules':
        this.#tellPeering({ type: 'otherRules', peer: effect.peer })
        break
      case 'dropPeer': {
        const { peer, reason, banMs } = effect
        this.#tellPeering({ type: 'dropped', peer, reason, banMs })
        // The machine has forgotten it and is in the middle of a turn.
        queueMicrotask(() => this.close(peer, reason))
        break
      }
      default:
        effect satisfies never
    }
  }

  async connect(address: PeerAddress, peer: PeerId | null): Promise<void> {
    // No other form is dialled: a name would be looked up in the clear.
    if (parseAddress(address) === null) {
      this.#tellPeering({ type: 'dialFailed', address, reason: 'failed' })
      return
    }
    const dial: OrderedDial = { address, peer, refusal: null }
    this.#gate.order(dial)
    const timeOut = this.#dials.after(DIAL_WITHIN_MS)
    try {
      await this.#host.dial(multiaddr(address), { signal: timeOut.signal })
    } catch (error) {
      const reason: DialFailure = dial.refusal ?? (timeOut.isOver ? 'timeout' : dialFailure(error))
      this.#options.log.debug({ address, reason, err: error }, 'a dial came to nothing')
      this.#tellPeering({ type: 'dialFailed', address, reason })
    } finally {
      timeOut.end()
      this.#gate.settled(dial)
    }
  }

  close(peer: PeerId, reason: string): void {
    this.#peers.connectionOf(peer)?.abort(new Error(reason))
  }

  connections(): LiveConnection[] {
    return this.#peers.statuses().map(status => {
      const connection = this.#peers.connectionOf(status.peer)
      return {
        ...status,
        latencyMs: connection === null ? null : (this.#pulse?.latencyMsOf(connection) ?? null),
        ...bytesOf(connection)
      }
    })
  }

  async serve(protocol: string, handler: Handler): Promise<void> {
    await this.#requests.serve(protocol, async request => {
      try {
        await request.answer(await handler(request))
      } catch (error) {
        this.#options.log.warn(MESSAGES.peerRequestFailed, { protocol, err: error })
        await request.answer(null)
      }
    })
  }

  ask(order: Parameters<Network['ask']>[0]): Promise<Outcome> {
    return this.#requests.ask(order)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#dials.stop()
    clearInterval(this.#checking)
    this.#pulse?.stop()
    this.#topics?.stop()
    this.#requests.stop()
    this.#peers.stop()
    await Promise.all([this.#host.stop(), this.#forwarding?.stop()])
  }

  /** A peer dials us although its connection stands: is it still there? Then it may come when it dials again. */
  cameAgain(peer: PeerId): void {
    const connection = this.#peers.connectionOf(peer)
    if (connection !== null) void this.#pulse?.check(connection, { isLast: true })
  }

  /** Another node of our chain, on the local network. */
  foundNearby({ id, multiaddrs }: PeerInfo): void {
    const peer = id.toString()
    if (peer === this.peer) return
    const addresses = [...new Set(multiaddrs.map(addressOf))].slice(0, MAX_ADDRESSES_PER_PEER)
    this.#tellPeering({ type: 'learned', source: 'mdns', peer, addresses })
  }

  /** A peer's answer in Kademlia. */
  toldByKademlia(teller: PeerId, peers: readonly PeerInfo[]): void {
    for (const { id, multiaddrs } of peers) {
      const peer = id.toString()
      const told = tellable(multiaddrs, { isLocalChain: isLocalChain(this.#options.params) })
      const addresses = [...new Set(told.map(addressOf))]
      // It may hold a URL where a name belongs; nobody of ours is there.
      if (peer === this.peer || this.#peers.connectionOf(peer) !== null || addresses.length === 0 || id.type === 'url')
        continue
      this.#tellPeering({ type: 'learned', source: 'kademlia', peer, addresses, teller })
    }
  }

  /** Dials until the other has said who it is, and no further. */
  async #probe(address: PeerAddress, peer: PeerId, withinMs: number): Promise<boolean> {
    const dial: OrderedDial = { address, peer, isProbe: true, refusal: null }
    this.#gate.order(dial)
    const timeOut = this.#dials.after(withinMs)
    try {
      await this.#host.dial(multiaddr(address), { signal: timeOut.signal })
    } catch (error) {
      this.#options.log.debug({ address, err: error }, 'a peer was dialled back')
    } finally {
      timeOut.end()
      this.#gate.settled(dial)
    }
    return dial.isThere === true
  }

  /** The router's, if it forwards one to us; nobody is told of it when only the proxy may know who we are. */
  #reachablePort(): number | null {
    return this.#options.proxy?.isOnly === true ? null : (this.#forwarding?.port ?? this.#port)
  }

  /** From now on others are told of it. */
  #isReachedAt(address: PeerAddress): void {
    const manager = addressManagerOf(this.#host)
    manager.addObservedAddr(multiaddr(address))
    manager.confirmObservedAddr(multiaddr(address))
  }

  #publish({ topic, data }: Extract<PeerEffect, { type: 'publish' }>): void {
    this.#topics?.publish(topic, data).catch(error => {
      this.#options.log.warn(MESSAGES.publishFailed, { topic, err: error })
    })
  }

  #heard(message: TopicMessage): void {
    if (!this.#isStopped) this.#peers.heard(message)
  }

  #flooded(peer: PeerId): void {
    this.#options.log.debug({ peer }, 'a peer floods the topics')
    this.#tellPeering({ type: 'dropped', peer, reason: 'topic-flood', banMs: FLOOD_BAN_MS })
    this.close(peer, 'topic-flood')
  }

  #closed(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    this.#peers.closed(connection)
    if (this.#peers.connectionOf(peer) !== null) return
    this.#machine.gone(peer)
    this.#forget(connection.remotePeer)
  }

  /** libp2p keeps every name it ever heard for hours, and a stranger can make names without end. */
  #forget(peer: LibPeerId): void {
    if (this.#isStopped) return
    this.#host.peerStore.delete(peer).catch(error => {
      this.#options.log.debug({ peer: peer.toString(), err: error }, 'a peer could not be forgotten')
    })
  }

  #tell(event: PeerEvent): void {
    if (!this.#isStopped) this.#options.tell(event)
  }

  #tellPeering(event: PeeringEvent): void {
    if (!this.#isStopped) this.#options.tellPeering(event)
  }
}
