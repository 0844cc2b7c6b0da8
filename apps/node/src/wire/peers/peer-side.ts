import type { PeerSources } from '@p2poolv2/api'
import type { PeersJson } from '@p2poolv2/api/schema'
import { type ChainParams, protocolTag } from '@p2poolv2/consensus'
import {
  type Invite,
  loadPeering,
  type PeerAddress,
  type PeerEffect,
  type PeerId,
  type Peering,
  type PeerStatus
} from '@p2poolv2/gossip'
import { type Network, PeeringShell, peerOf, startNetwork } from '@p2poolv2/gossip/libp2p'
import type { NodeEvent } from '@p2poolv2/node'
import { invariant, type Rng } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES, type Part } from '@p2poolv2/runtime'
import { ConfigError } from '../../config.ts'
import type { Config } from '../../settings.ts'
import { VERSION } from '../../version.ts'
import { STOP_RANK } from '../stop-order.ts'
import { type BlockExchangeEnd, type ExchangeBlocks, exchangeBlocks } from './devnet-blocks.ts'
import { DialResults } from './dial-results.ts'
import type { KnownPeers } from './known-peers.ts'
import { inviteAddresses, inviteExtra, listenAddress } from './peer-addresses.ts'
import { peerCommands } from './peer-commands.ts'

/** Outbound places beyond those this node looks for: of peers that are wanted, and of Kademlia's lookups. */
const SPARE_OUTBOUND = 24
/** A peer whose development chain breaks its rules is refused this long. */
const BAD_BLOCK_BAN_MS = 600_000

export interface PeerSideDeps {
  readonly params: ChainParams
  readonly privateKey: Parameters<typeof peerOf>[0]
  /** Whose invite was given with the start. */
  readonly invite: Invite | null
  /** Exchanges the embedded development chain's blocks; null where bitcoin has a network of its own. */
  readonly blocks: ExchangeBlocks | null
  /** What the gossip machine knows of the connected peers. */
  readonly peersOf: () => readonly PeerStatus[]
  readonly post: (event: NodeEvent) => void
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
}

/** The node among others: connections, whom to keep, and what the operator sees and does of it. */
export interface PeerSide {
  readonly part: Part
  readonly sources: PeerSources
  readonly perform: (effect: PeerEffect) => void
  /** Once it has started. */
  readonly network: () => Network
}

interface Started {
  readonly network: Network
  readonly peering: Peering
  readonly shell: PeeringShell
  readonly store: KnownPeers['store']
}

export function peerSide(config: Config, known: KnownPeers, deps: PeerSideDeps): PeerSide {
  const { params, privateKey, clock, rng, log } = deps
  let started: Started | null = null
  let exchange: BlockExchangeEnd | null = null
  const running = (): Started => {
    invariant(started !== null, 'the network has started')
    return started
  }
  const listening = (): readonly PeerAddress[] => {
    const { port } = running().network
    const at = port === null ? [] : [listenAddress({ hostname: config.p2p.hostname, port })]
    return inviteAddresses({ external: config.p2p.external_address, listening: at })
  }

  const start = async (): Promise<void> => {
    const { store, records } = known
    const { peering, skipped } = loadPeering(
      records,
      {
        self: peerOf(privateKey),
        maxInbound: config.p2p.max_inbound,
        outbound: config.p2p.outbound,
        maxOutbound: config.p2p.outbound + SPARE_OUTBOUND,
        acceptsPrivate: params.chain === 'devnet' || params.chain === 'regtest',
        reachesOnion: config.p2p.socks5 !== undefined
      },
      { rng, now: clock.now() }
    )
    if (skipped > 0) log.warn(MESSAGES.peerRecordsSkipped, { skipped })
    const shell = new PeeringShell({ peering, clock, records: store })
    const network = await listeningNetwork(config, {
      params,
      listen: [listenAddress(config.p2p)],
      announce: config.p2p.external_address === undefined ? [] : [config.p2p.external_address],
      privateKey,
      agent: `p2poolv2-ts/${VERSION}`,
      tell: event => {
        exchange?.hear(event)
        deps.post(event)
      },
      tellPeering: event => {
        shell.post(event)
        dials.hear(event)
      },
      admits: asked => peering.admits(asked, clock.now().steadyMs),
      ...proxyOf(config),
      dialect: config.p2p.topics ? 'ours' : 'reference',
      localNetwork: config.p2p.mdns && !config.p2p.only_proxy,
      mapsPort: config.p2p.map_port && !config.p2p.only_proxy && isOpenToOthers(config.p2p.hostname),
      clock,
      log
    })
    started = { network, peering, shell, store }
    if (deps.blocks !== null) {
      const drop = (peer: PeerId, reason: string): void =>
        shell.post({ type: 'dropped', peer, reason, banMs: BAD_BLOCK_BAN_MS })
      exchange = await exchangeBlocks(deps.blocks, { network, tag: protocolTag(params), drop })
    }
    if (config.p2p.only_proxy) {
      const { hostname, port } = config.p2p
      if (isOpenToOthers(hostname)) log.warn(MESSAGES.listensInTheClear, { hostname, port })
      else
        log.info(
          { hostname, port },
          'only_proxy: it listens on this computer alone; an onion service can forward to it'
        )
    }
    shell.start(network)
    for (const text of config.p2p.dial_peers) commands.wanted(text)
    if (deps.invite !== null) {
      const { peer, addresses } = deps.invite
      shell.post({ type: 'learned', source: 'invite', peer, addresses })
    }
  }
  const dials = new DialResults()
  const commands = peerCommands({
    params,
    self: peerOf(privateKey),
    status: () => running().peering.status(),
    dials,
    post: event => running().shell.post(event)
  })

  return {
    perform: effect => started?.network.perform(effect),
    network: () => running().network,
    sources: {
      peers: () => peersJson(running(), { known: deps.peersOf(), listening: listening(), clock }),
      invite: () =>
        commands.inviteOf({ peer: running().network.peer, addresses: listening(), extra: inviteExtra(config, params) }),
      add: text => commands.add(text),
      remove: who => commands.remove(who),
      ban: (who, seconds) => commands.ban(who, seconds),
      unban: who => commands.unban(who)
    },
    part: {
      name: 'peer network',
      start,
      stopRank: STOP_RANK.peers,
      stop: async () => {
        started?.shell.stop()
        await started?.network.stop()
        await known.store.close()
      }
    }
  }
}

/** Host and port as they are in `p2p.socks5`. */
function proxyOf({ p2p: { socks5, only_proxy } }: Config): Pick<Parameters<typeof startNetwork>[0], 'proxy'> {
  if (socks5 === undefined) return {}
  const at = socks5.lastIndexOf(':')
  const host = socks5.slice(0, at).replace(/^\[|\]$/g, '')
  return { proxy: { host, port: Number(socks5.slice(at + 1)), isOnly: only_proxy } }
}

/** A node on loopback is for this computer alone. */
function isOpenToOthers(hostname: string): boolean {
  return !/^(127\.|\[?::1\]?$)/.test(hostname)
}

const LISTEN_FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program has the port, perhaps a second node; choose another with --p2p-port or [p2p] port, 0 for any free one',
  EACCES: 'choose a port above 1023 with --p2p-port or [p2p] port',
  EADDRNOTAVAIL: 'this computer does not have that address; set [p2p] hostname to 0.0.0.0'
}

/** Turns the usual failures of the listening socket into what to change. */
async function listeningNetwork(config: Config, options: Parameters<typeof startNetwork>[0]): Promise<Network> {
  try {
    return await startNetwork(options)
  } catch (cause) {
    const codes = Object.keys(LISTEN_FIXES)
    const text = errorText(cause)
    const code = codes.find(known => text.includes(known))
    if (code === undefined) throw cause
    const { hostname, port } = config.p2p
    throw new ConfigError(`the node cannot listen for others on ${hostname}:${port}: ${LISTEN_FIXES[code]}`, { cause })
  }
}

/** libp2p wraps the system's error, and an aggregate holds one for each address. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors.map(errorText) : []
  return [
    error.message,
    'code' in error ? String(error.code) : '',
    ...inner,
    error.cause === undefined ? '' : errorText(error.cause)
  ].join(' ')
}

function peersJson(
  { network, peering }: Started,
  {
    known,
    listening,
    clock
  }: {
    readonly known: readonly PeerStatus[]
    readonly listening: readonly PeerAddress[]
    readonly clock: Clock
  }
): PeersJson {
  const { steadyMs: nowMs, wallMs } = clock.now()
  const status = peering.status()
  const gossip = new Map(known.map(peer => [peer.peer, peer]))
  return {
    peer: network.peer,
    listening: [...listening],
    reachability: status.reachedFromOutsideMs === null ? network.reachability : 'reachable',
    peers: network.connections().map(connection => ({
      peer: connection.peer,
      address: connection.address,
      direction: connection.direction,
      agent: connection.agent,
      dialect: connection.dialect,
      height: gossip.get(connection.peer)?.claimedHeight ?? null,
      shownHeight: gossip.get(connection.peer)?.shownHeight ?? null,
      latencyMs: connection.latencyMs,
      bytesIn: connection.bytesIn,
      bytesOut: connection.bytesOut,
      penaltyPoints: gossip.get(connection.peer)?.penaltyPoints ?? 0,
      connectedSec: Math.floor((nowMs - connection.connectedAtMs) / 1_000),
      rules: differing(gossip.get(connection.peer))
    })),
    bans: status.bans.map(({ key, reason, untilMs }) => ({
      who: key,
      reason,
      until: Math.floor((wallMs + untilMs - nowMs) / 1_000)
    })),
    knownAddresses: status.addresses.length
  }
}

/** Null when nothing is known. */
function differing(peer: PeerStatus | undefined): string[] | null {
  if (peer === undefined || peer.rules === 'unknown') return null
  return peer.rules === 'same' ? [] : [...peer.rules.differs]
}
