import type { NodeStatus } from '@p2poolv2/node'
import type { AlertSources, SetupSources } from '../owner-routes.ts'
import type { PeerSources } from '../peer-routes.ts'

/** A node with peers, a bitcoin node and nobody who mines. */
export const VIEW: NodeStatus = {
  totals: {
    accepted: 2,
    rejected: 1,
    rejectedByReason: { Stale: 1 },
    creditedDifficulty: 1,
    bestDifficulty: 3,
    blocksFound: 0,
    lastAcceptedAtMs: null,
    connections: 1,
    hashrates: { m1: 7, m5: 6, m15: 5, h1: 4, h6: 3, d1: 2, d7: 1 }
  },
  chain: 'devnet',
  mode: 'sharechain',
  fingerprint: 'ab'.repeat(32),
  version: '0.1.0',
  sharechain: {
    confirmedHeight: 1,
    confirmedHash: 'cd'.repeat(32),
    candidateHeight: 1,
    uncles: 0,
    scriptsUnchecked: 0,
    padding: { form: 'A', demanded: false }
  },
  window: [],
  windowWeight: 0n,
  windowShares: 0,
  blocks: [],
  refusedMiners: [],
  miners: [],
  bitcoind: { url: 'http://127.0.0.1:1', state: 'ready', bitcoinHeight: 7, message: null },
  clockDifferenceSec: null,
  ineligible: null,
  network: { state: 'current', quiet: false, peers: 3, sync: null }
}

/** A network without peers that does nothing. */
export const NO_PEERS: PeerSources = {
  peers: () => ({ peer: '12D3', listening: [], reachability: 'unknown', peers: [], bans: [], knownAddresses: 0 }),
  invite: () => 'p2pool1invite',
  add: async address => `dialling ${address}`,
  remove: who => `no longer wanted: ${who}`,
  ban: (who, seconds) => `banned ${who} for ${seconds} s`,
  unban: who => `unbanned ${who}`
}

/** Nothing is told to anybody. */
export const NO_ALERTS: AlertSources = {
  state: () => ({ destinations: [], rules: [], quietHours: null, isQuiet: false }),
  test: async () => ({ results: [] })
}

/** No file is written. */
export const NO_SETUP: SetupSources = {
  look: () => ({ file: '/data/p2poolv2.toml', exists: false, chains: [] }),
  check: async () => ({ problems: [], bitcoind: { state: 'ready', height: 7, findings: [] } }),
  write: async () => ({ file: '/data/p2poolv2.toml', kept: null, restarts: false, next: 'Start it again.' }),
  written: () => undefined
}
