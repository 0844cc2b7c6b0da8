import type { Config } from '../settings.ts'
import { fail, info, ok, type Probe, warn } from './check.ts'

/** Of the configuration, and what a running node has learned of the world around it. */
export interface SettingsFacts {
  /** Null where it cannot be used; then only its mistakes are judged. */
  readonly config: Config | null
  readonly file: string | null
  readonly mistakes: readonly string[]
  /** Whether a peer could dial back; null while no node runs. */
  readonly reachability: 'reachable' | 'outbound-only' | 'unknown' | null
}

const LOOPBACK = /^(127\.|::1$|localhost$|\[::1\]$)/

export const SETTINGS_PROBES: readonly Probe<SettingsFacts>[] = [
  {
    id: 'config',
    group: 'computer',
    title: 'Configuration',
    judge: ({ config, file, mistakes }) => {
      if (config === null)
        return fail(
          `${file === null ? '' : `${file}: `}${mistakes.join('; ')}`,
          `Mend it, then see again: ./p2poolv2 config check${file === null ? '' : ` --config ${file}`}`,
          'The node does not start.'
        )
      return ok(file === null ? `None is read: built-in values for ${config.chain}.` : `${file}, for ${config.chain}.`)
    }
  },
  {
    id: 'chain-worth',
    group: 'computer',
    title: 'What is mined',
    judge: ({ config }) => {
      if (config === null || config.chain === 'main') return ok('Bitcoin.')
      return info(`Coins of ${config.chain} are worth nothing; for bitcoin: ./p2poolv2 init --chain main`)
    }
  },
  {
    id: 'stratum-reach',
    group: 'miners',
    title: 'Who can mine here',
    judge: ({ config }) => {
      if (config === null || !LOOPBACK.test(config.stratum.hostname))
        return ok('Miners on the local network reach this node.')
      return warn(
        `Only this computer: [stratum] hostname is ${config.stratum.hostname}.`,
        'Set [stratum] hostname to "::" to let miners of the local network in.',
        'Miners elsewhere cannot connect.'
      )
    }
  },
  {
    id: 'api-reach',
    group: 'computer',
    title: 'Who can read the page',
    judge: ({ config }) => {
      if (config === null || LOOPBACK.test(config.api.hostname))
        return ok('This computer alone; for a phone set [api] hostname to "0.0.0.0".')
      if (config.api.auth_user !== undefined)
        return ok(config.api.lan_reads ? 'The local network, and who has the login.' : 'Who has the login.')
      return warn(
        'Everybody who reaches this computer.',
        'Fine behind a home router; else make a login: ./p2poolv2 gen-auth NAME',
        'Others see addresses and earnings. They cannot change anything.'
      )
    }
  },
  {
    id: 'reachability',
    group: 'peers',
    title: 'Reached by others',
    judge: ({ reachability }) => {
      switch (reachability) {
        case 'reachable':
          return ok('Other nodes can dial this one.')
        case 'outbound-only':
          return info(
            'Others cannot dial this node, which is fine: it dials them. To be dialled, forward the port of [p2p] in the router.'
          )
        case 'unknown':
          return { state: 'unknown', message: 'No peer has tried yet.' }
        default:
          return { state: 'unknown', message: 'Known only while the node runs.' }
      }
    }
  }
]
