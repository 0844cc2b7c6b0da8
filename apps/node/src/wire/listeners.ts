import { hostname } from 'node:os'
import { ApiServer, type ApiSources } from '@p2poolv2/api'
import type { NodeEvent } from '@p2poolv2/node'
import type { Log, Part } from '@p2poolv2/runtime'
import { AddressRangeError, type Door, StratumServer } from '@p2poolv2/stratum/tcp'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
import { PAGE_DIRECTORY } from './api-answers.ts'
import type { StratumV2Door } from './miners/v2-door.ts'
import { STOP_RANK } from './stop-order.ts'

/** For how long miners that were told to leave are served on: what they have under way may be a block. */
const DRAIN_MS = 1_000
/** Connections beyond the miners that there may be: the node has to see who comes to say who gives way. */
const COMING = 64

/** A part that listens on a port, which is known once it has started. */
export interface Listener extends Part {
  readonly port: number
}

/** The miners' door, and the way back to them. */
export interface StratumListener extends Listener {
  readonly server: StratumServer
  /** Where Stratum V2 is spoken, and the key by which its miners know this node; null where it is not. */
  readonly v2: { readonly port: number; readonly authorityText: string } | null
}

export interface StratumListenerDeps {
  readonly maxConnections: number
  readonly v2: StratumV2Door | null
  /** Where connections and lines of miners go. */
  readonly post: (event: NodeEvent) => void
  /** Of what miners are told; see `StratumServerDeps`. */
  readonly mayWrite?: () => 'yes' | 'no'
  readonly log: Log
}

export function stratumListener(config: Config, deps: StratumListenerDeps): StratumListener {
  const { maxConnections, v2, post, mayWrite, log } = deps
  const { hostname, port: firstPort, trusted_ranges, proxy_ranges, max_connections_per_address } = config.stratum
  const server = stratumServer(
    {
      host: hostname,
      port: firstPort,
      moreDoors: [...moreDoors(config), ...(v2 === null ? [] : [v2.door])],
      maxConnections: maxConnections + COMING,
      maxPerAddress: max_connections_per_address ?? Math.ceil(maxConnections / 2),
      trustedRanges: trusted_ranges,
      proxyRanges: proxy_ranges
    },
    {
      onConnected: (miner, remote, { startDifficulty }, channel) =>
        post({
          type: 'minerConnected',
          miner,
          remote,
          ...(startDifficulty !== undefined && { startDifficulty }),
          ...(channel !== undefined && { channel })
        }),
      onLines: (miner, lines) => post({ type: 'minerLines', miner, lines }),
      onGone: miner => post({ type: 'minerGone', miner }),
      ...(mayWrite && { mayWrite }),
      log
    }
  )
  let port = 0
  let v2Port = 0
  return {
    name: 'Stratum server',
    server,
    get port() {
      return port
    },
    get v2() {
      return v2 === null || v2Port === 0 ? null : { port: v2Port, authorityText: v2.authorityText }
    },
    start: async () => {
      port = await server.listen()
      if (v2 !== null) v2Port = server.ports.at(-1) ?? 0
    },
    stopRank: STOP_RANK.stratum,
    stop: async signal => {
      // The doors first: who is told to connect again must not come back in.
      const stopped = server.stop({ ...signal, drainMs: DRAIN_MS })
      post({ type: 'drain' })
      await stopped
      await v2?.handshakes.stop()
    }
  }
}

function stratumServer(...args: ConstructorParameters<typeof StratumServer>): StratumServer {
  try {
    return new StratumServer(...args)
  } catch (cause) {
    if (!(cause instanceof AddressRangeError)) throw cause
    throw new ConfigError(`stratum.trusted_ranges or stratum.proxy_ranges: ${cause.message}`, { cause })
  }
}

/** The ports beside the first that the configuration asks for. */
function moreDoors({ stratum }: Config): Door[] {
  const { hostname: host, high_difficulty_port, high_difficulty, tls_port, tls_certificate, tls_key } = stratum
  const doors: Door[] = []
  if (high_difficulty_port !== undefined) {
    doors.push({ host, port: high_difficulty_port, startDifficulty: high_difficulty })
  }
  if (tls_port !== undefined && tls_certificate !== undefined && tls_key !== undefined) {
    doors.push({ host, port: tls_port, tls: { certificateFile: tls_certificate, keyFile: tls_key } })
  }
  return doors
}

/** The page and the API. */
export function apiListener(config: Config, token: string, sources: ApiSources): Listener {
  const { hostname: host, port: wanted, auth_user, auth_token, lan_reads, host_names, cors_allowed } = config.api
  const server = new ApiServer(
    {
      host,
      port: wanted,
      token,
      login: auth_user === undefined || auth_token === undefined ? null : { user: auth_user, token: auth_token },
      lanReads: lan_reads,
      hostNames: [...ownNames(), ...host_names],
      cors: cors_allowed,
      pageDirectory: PAGE_DIRECTORY
    },
    sources
  )
  let port = 0
  return {
    name: 'API',
    get port() {
      return port
    },
    start: async () => {
      port = await apiListening(server, config.api)
    },
    stopRank: STOP_RANK.api,
    stop: () => server.stop()
  }
}

/** What this computer is called, alone and on the local network. */
function ownNames(): string[] {
  const [first = ''] = hostname().split('.')
  return [hostname(), first, `${first}.local`]
}

/** Turns the usual failures of the API's listening socket into what to change. */
async function apiListening(api: ApiServer, at: { readonly hostname: string; readonly port: number }): Promise<number> {
  try {
    return await api.listen()
  } catch (cause) {
    const fix = LISTEN_FIXES[(cause as NodeJS.ErrnoException).code ?? '']
    if (fix === undefined) throw cause
    throw new ConfigError(`the page cannot listen on ${at.hostname}:${at.port}: ${fix}`, { cause })
  }
}

const LISTEN_FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has the port; choose another with --api-port or [api] port',
  EACCES: 'choose a port above 1023 with --api-port or [api] port',
  EADDRNOTAVAIL: 'this computer does not have that address; set [api] hostname to 127.0.0.1',
  ENOTFOUND: 'no such host; set [api] hostname to 127.0.0.1'
}
