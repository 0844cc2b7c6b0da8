import { SCHEMA_VERSION } from '@p2poolv2/sharechain'
import { bytes } from '../cli/amounts.ts'
import { type Finding, fail, info, ok, type Probe, unknown, warn } from './check.ts'

/** What is known of a port this node wants or has. */
export interface PortFacts {
  readonly host: string
  readonly port: number
  /** `ours`: this node answers there; `free`; `taken` by another program; `silent`: this node should answer there and does not. */
  readonly state: 'ours' | 'free' | 'taken' | 'silent' | 'forbidden' | 'no-such-address'
}

/** Of the computer a node runs on, or would. */
export interface ComputerFacts {
  readonly nodeVersion: string
  /** Null where the system does not say. */
  readonly disk: { readonly freeBytes: number; readonly path: string } | null
  /** How long a small file took to reach the platter in milliseconds, or why none can be written. */
  readonly dataDir: { readonly path: string; readonly syncMs: number | null; readonly problem: string | null }
  /** Files with secrets that others on this computer may read. */
  readonly openSecrets: readonly string[]
  /** Of the key: lost where there are shares that were made with it. */
  readonly wallet: 'there' | 'lost' | 'none'
  /** Layout of the share store, as it says of itself; null where there is none, or one that says nothing. */
  readonly storeLayout: number | null
  readonly openFiles: number | null
  readonly maxConnections: number
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number }
  /** Whether the system keeps the clock by others; null where it does not say. */
  readonly clockSynchronised: boolean | null
  readonly stratum: PortFacts
  readonly api: PortFacts
  /** Null in the modes without peers. */
  readonly p2p: PortFacts | null
}

const GIGABYTE = 1_000_000_000
/** What one miner's connection takes, and a margin for everything else. */
const OTHER_FILES = 512
const SLOW_SYNC_MS = 500
const OLDEST_NODE = [20, 19] as const
/** Releases that were tried. */
const TRIED_MAJORS = [20, 22, 24]

const NEXT_RELEASE = 'Install Node.js 22 or newer: https://nodejs.org'

export const COMPUTER_PROBES: readonly Probe<ComputerFacts>[] = [
  {
    id: 'node-version',
    group: 'computer',
    title: 'Node.js',
    judge: ({ nodeVersion }) => {
      const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number)
      const [oldMajor, oldMinor] = OLDEST_NODE
      if (major < oldMajor || (major === oldMajor && minor < oldMinor))
        return fail(
          `${nodeVersion} is too old: ${oldMajor}.${oldMinor} is the oldest that works.`,
          NEXT_RELEASE,
          'Parts of the node do not work.'
        )
      return TRIED_MAJORS.includes(major)
        ? ok(`${nodeVersion}.`)
        : info(`${nodeVersion} was not tried with this version; it should work.`)
    }
  },
  {
    id: 'disk-space',
    group: 'computer',
    title: 'Disk space',
    judge: ({ disk }) => {
      if (disk === null) return unknown('The system does not say how much is free.')
      const said = `${bytes(disk.freeBytes)} free for ${disk.path}.`
      const fix = 'Free some space, or move the data directory to a larger disk (data_dir).'
      if (disk.freeBytes < GIGABYTE / 2) return fail(said, fix, 'When nothing is left the node stops.')
      return disk.freeBytes < 5 * GIGABYTE
        ? warn(said, fix, 'The share chain needs some gigabytes in the long run.')
        : ok(said)
    }
  },
  {
    id: 'data-dir',
    group: 'computer',
    title: 'Data directory',
    judge: ({ dataDir: { path, syncMs, problem } }) => {
      if (problem !== null)
        return fail(
          `${path} cannot be written: ${problem}.`,
          'Give it to the user of the node, or choose another with --data-dir.',
          'The node does not start.'
        )
      if (syncMs !== null && syncMs > SLOW_SYNC_MS)
        return warn(
          `Its disk took ${Math.round(syncMs)} ms to write a small file.`,
          'Use an SSD: memory cards wear out and get slow.',
          'Shares may come late while the disk is behind.'
        )
      return ok(
        syncMs === null
          ? `${path} is made at the first start.`
          : `${path} can be written, in ${Math.max(1, Math.round(syncMs))} ms.`
      )
    }
  },
  {
    id: 'key-files',
    group: 'computer',
    title: 'Keys and passwords',
    judge: ({ openSecrets, wallet, dataDir }) => {
      if (openSecrets.length > 0)
        return fail(
          `Others on this computer can read ${openSecrets.join(', ')}.`,
          `Run: chmod 600 ${openSecrets.map(file => `'${file}'`).join(' ')}`,
          'Whoever has the key is the node; whoever has the password is let in.'
        )
      if (wallet === 'lost')
        return fail(
          `wallet.key is missing in ${dataDir.path}, and the shares there were made with it.`,
          `Restore it from your backup. To go on with a new key instead: ./p2poolv2 address --new --data-dir '${dataDir.path}'`,
          'The node does not start.'
        )
      return wallet === 'there'
        ? ok('Nobody else on this computer can read them. Keep a backup of wallet.key.')
        : ok('There are none yet.')
    }
  },
  {
    id: 'store-layout',
    group: 'computer',
    title: 'Share store',
    judge: ({ storeLayout }) => {
      if (storeLayout === null) return ok('It is made, or looked at, at the next start.')
      if (storeLayout > SCHEMA_VERSION)
        return fail(
          `It has layout ${storeLayout}, and this version reads layout ${SCHEMA_VERSION}.`,
          'Install the newer version again; to go back run with that: p2poolv2 db rollback',
          'The node does not start.'
        )
      return storeLayout < SCHEMA_VERSION
        ? info(
            `It has layout ${storeLayout}: the next start brings it to ${SCHEMA_VERSION}. p2poolv2 db rollback goes back.`
          )
        : ok(`It has layout ${storeLayout}, that of this version.`)
    }
  },
  {
    id: 'open-files',
    group: 'computer',
    title: 'Open files',
    judge: ({ openFiles, maxConnections }) => {
      if (openFiles === null) return unknown('The system does not say how many may be open.')
      if (openFiles >= maxConnections + OTHER_FILES)
        return ok(`${openFiles} may be open, enough for ${maxConnections} miners.`)
      return warn(
        `${openFiles} may be open: fewer miners than [stratum] max_connections = ${maxConnections} can be served.`,
        'Raise the limit (ulimit -n 4096, or LimitNOFILE in the systemd unit), or lower max_connections.',
        'Nothing for the first miners; those beyond are refused.'
      )
    }
  },
  {
    id: 'memory',
    group: 'computer',
    title: 'Memory',
    judge: ({ memory: { totalBytes, freeBytes } }) => {
      const said = `${bytes(freeBytes)} of ${bytes(totalBytes)} free.`
      if (totalBytes < GIGABYTE * 0.9)
        return warn(
          said,
          'Run the node on a computer with at least 1 GB, or end what else runs there.',
          'The system may end the node when memory runs out.'
        )
      return freeBytes < GIGABYTE / 10
        ? warn(said, 'End what else runs there.', 'The system may end the node when memory runs out.')
        : ok(said)
    }
  },
  {
    id: 'clock-sync',
    group: 'computer',
    title: 'Clock kept by NTP',
    judge: ({ clockSynchronised }) => {
      if (clockSynchronised === null) return unknown('The system does not say; see that the clock is right.')
      return clockSynchronised
        ? ok('Yes.')
        : warn(
            'The system says that it is not.',
            'timedatectl set-ntp true',
            'With a wrong clock shares and blocks are refused for their time.'
          )
    }
  },
  {
    id: 'stratum-port',
    group: 'miners',
    title: 'Port for miners',
    judge: ({ stratum }) => port(stratum, '--stratum-port or [stratum] port', 'Miners cannot connect.')
  },
  {
    id: 'api-port',
    group: 'computer',
    title: 'Port of the page',
    judge: ({ api }) => port(api, '--api-port or [api] port', 'There is no page.')
  },
  {
    id: 'p2p-port',
    group: 'peers',
    title: 'Port for other nodes',
    judge: ({ p2p }) =>
      p2p === null
        ? ok('Not needed in this mode.')
        : port(p2p, '--p2p-port or [p2p] port', 'Other nodes cannot dial this one.')
  }
]

function port({ host, port: number, state }: PortFacts, setting: string, cost: string): Finding {
  const at = `${host.includes(':') ? `[${host}]` : host}:${number}`
  switch (state) {
    case 'ours':
      return ok(`This node answers at ${at}.`)
    case 'free':
      return ok(number === 0 ? 'Any free one.' : `${at} is free.`)
    case 'taken':
      return fail(
        `Another program has ${at}.`,
        `End it, or choose another port with ${setting}.`,
        `The node does not start. ${cost}`
      )
    case 'silent':
      return fail(
        `Nothing answers at ${at}, where this node should.`,
        'See whether a firewall on this computer blocks it, and the log of the node.',
        cost
      )
    case 'forbidden':
      return fail(
        `This user may not listen on ${at}.`,
        `Choose a port above 1023 with ${setting}.`,
        `The node does not start. ${cost}`
      )
    default:
      return fail(
        `This computer does not have the address of ${at}.`,
        `Set the hostname beside ${setting} to one it has.`,
        `The node does not start. ${cost}`
      )
  }
}
