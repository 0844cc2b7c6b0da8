import { ApiServer, type ApiSources } from '@p2poolv2/api'
import type { NodeEvent } from '@p2poolv2/node'
import type { Log, Part } from '@p2poolv2/runtime'
import { StratumServer } from '@p2poolv2/stratum/tcp'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
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
  const server = new StratumServer(
    { host: config.stratum.hostname, port: config.stratum.port, maxConnections },
    {
      onConnected: (miner, remote) => post({ type: 'minerConnected', miner, remote }),
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

/** The page and the API. */
export function apiListener(config: Config, sources: ApiSources): Listener {
  const server = new ApiServer({ host: config.api.hostname, port: config.api.port }, sources)
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
