import { ApiServer, type ApiSources } from '@p2poolv2/api'
import type { NodeEvent } from '@p2poolv2/node'
import type { Log, Part } from '@p2poolv2/runtime'
import { AddressRangeError, type Door, StratumServer } from '@p2poolv2/stratum/tcp'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
import { PAGE_DIRECTORY } from './api-answers.ts'
import { STOP_RANK } from './stop-order.ts'

/** A part that listens on a port, which is known once it has started. */
export interface Listener extends Part {
  readonly port: number
}

/** The miners' door, and the way back to them. */
export interface StratumListener extends Listener {
  readonly server: StratumServer
}

/** @param deps.post where connections and lines of miners go */
export function stratumListener(
  config: Config,
  deps: { readonly maxConnections: number; readonly post: (event: NodeEvent) => void; readonly log: Log }
): StratumListener {
  const { maxConnections, post, log } = deps
  const { hostname, port: firstPort, trusted_ranges, proxy_ranges, max_connections_per_address } = config.stratum
  const server = stratumServer(
    {
      host: hostname,
      port: firstPort,
      moreDoors: moreDoors(config),
      maxConnections,
      maxPerAddress: max_connections_per_address ?? Math.ceil(maxConnections / 2),
      trustedRanges: trusted_ranges,
      proxyRanges: proxy_ranges
    },
    {
      onConnected: (miner, remote, { startDifficulty }) =>
        post({ type: 'minerConnected', miner, remote, ...(startDifficulty !== undefined && { startDifficulty }) }),
      onLines: (miner, lines) => post({ type: 'minerLines', miner, lines }),
      onGone: miner => post({ type: 'minerGone', miner }),
      log
    }
  )
  let port = 0
  return {
    name: 'Stratum server',
    server,
    get port() {
      return port
    },
    start: async () => {
      port = await server.listen()
    },
    stopRank: STOP_RANK.stratum,
    stop: signal => server.stop(signal)
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
  const { hostname, port: wanted, auth_user, auth_token, lan_reads, host_names, cors_allowed } = config.api
  const server = new ApiServer(
    {
      host: hostname,
      port: wanted,
      token,
      login: auth_user === undefined || auth_token === undefined ? null : { user: auth_user, token: auth_token },
      lanReads: lan_reads,
      hostNames: host_names,
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
