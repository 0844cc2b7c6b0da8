/** One row of the layer table: a package, an edge folder of one, or an app. */
export interface Layer {
  /** What follows `@p2poolv2/` in an import. */
  readonly name: string
  /** From the repository's root; sources are in its `src`. */
  readonly directory: string
  /** A pure layer does no IO, reads no clock, throws no dice and never waits. */
  readonly kind: 'pure' | 'edge'
  /** A test may import its own level and those below. */
  readonly level: number
  /** Names of the layers its sources may import. */
  readonly imports: readonly string[]
  /** Libraries a pure layer's sources may import; an edge layer may import what its package.json declares. */
  readonly libraries: readonly string[]
  /** Packed for browsers and checked apart, where the others are projects of the root tsconfig.json. */
  readonly isPacked?: boolean
}

const pure = (name: string, level: number, imports: readonly string[], libraries: readonly string[] = []): Layer => ({
  name,
  directory: `packages/${name}`,
  kind: 'pure',
  level,
  imports,
  libraries
})

const edge = (name: string, level: number, imports: readonly string[]): Layer => ({
  name,
  directory: `packages/${name}`,
  kind: 'edge',
  level,
  imports,
  libraries: []
})

const app = (name: string, imports: readonly string[]): Layer => ({
  name: `app-${name}`,
  directory: `apps/${name}`,
  kind: 'edge',
  level: 6,
  imports,
  libraries: []
})

const BITCOIN = ['bitcoin', 'primitives']
const CHAIN = ['consensus', ...BITCOIN]
const NODE = ['sharechain', 'gossip', 'stratum', ...CHAIN]
const EDGES = [
  'runtime',
  'stratum/tcp',
  'sharechain/level',
  'earnings/level',
  'alerts/http',
  'gossip/libp2p',
  'bitcoind',
  'node/shell',
  'api',
  'api/schema'
]

const HASHES_AND_CURVES = ['@noble/secp256k1', '@scure/base', 'bitcoinjs-lib']
/** A handshake is made of these; see decision 0031. */
const NOISE = ['@noble/ciphers', '@noble/curves', '@noble/hashes', '@scure/base', '@scure/btc-signer']

/**
 * Who may import whom. An arrow that is not here is a build failure; a new one is a decision, so it comes with a reason in
 * the commit message. Edge folders may import what their pure half may, the half itself, and `runtime`.
 */
export const LAYERS: readonly Layer[] = [
  pure('primitives', 0, []),
  pure('bitcoin', 1, ['primitives'], HASHES_AND_CURVES),
  pure('consensus', 2, BITCOIN, HASHES_AND_CURVES),
  pure('stratum/sv2', 1, ['primitives'], NOISE),
  pure('stratum', 2, ['stratum/sv2', ...BITCOIN]),
  pure('stratum/client', 2, ['stratum/sv2', 'primitives']),
  pure('devchain', 2, BITCOIN),
  pure('sharechain', 3, CHAIN),
  pure('gossip', 3, CHAIN, ['@scure/base']),
  pure('earnings', 3, CHAIN),
  pure('alerts', 1, ['primitives']),
  pure('node', 4, NODE),
  pure('simnet', 5, ['node', 'devchain', 'stratum/client', ...NODE]),
  pure('api/schema', 1, ['primitives'], ['zod']),

  edge('runtime', 1, ['primitives']),
  edge('devchain/rpc', 3, ['devchain', ...BITCOIN, 'runtime']),
  edge('stratum/tcp', 3, ['stratum', 'stratum/sv2', ...BITCOIN, 'runtime']),
  edge('bitcoind', 3, [...BITCOIN, 'runtime']),
  edge('sharechain/level', 4, ['sharechain', ...CHAIN, 'runtime']),
  edge('earnings/level', 4, ['earnings', ...CHAIN, 'runtime']),
  edge('alerts/http', 2, ['alerts', 'primitives', 'runtime']),
  edge('gossip/libp2p', 4, ['gossip', ...CHAIN, 'runtime']),
  edge('node/shell', 5, ['node', ...NODE, 'runtime']),
  edge('api', 5, ['api/schema', 'node', 'earnings', ...NODE, 'runtime']),

  app('miner', ['stratum/client', 'primitives']),
  { ...app('dashboard', ['api/schema', 'earnings']), isPacked: true },
  app('sim', ['simnet']),
  app('load', ['stratum/client', 'bitcoind', 'primitives']),
  app('node', ['node', 'earnings', 'alerts', ...NODE, ...EDGES, 'devchain', 'devchain/rpc', 'app-miner'])
]

/** A part of a package whose sources may import only themselves and what is listed: paths from the root, or their beginnings. */
export interface Room {
  readonly path: string
  readonly imports: readonly string[]
}

const roomsOf =
  (source: string) =>
  (room: string, ...imports: string[]): Room => ({
    path: `${source}/${room}/`,
    imports: imports.map(file => `${source}/${file}`)
  })

const inStratum = roomsOf('packages/stratum/src')
const inGossip = roomsOf('packages/gossip/src')
const inBitcoind = roomsOf('packages/bitcoind/src')
const inConsensus = roomsOf('packages/consensus/src')

/**
 * What is the same for miners of every protocol does not know that there is one, and a protocol knows no other, but for the numbers by which
 * refusals are counted. What peers say and where they are is told apart from what is made of it. Templates and found blocks share
 * nothing but the calls to bitcoind. In `consensus` the bytes of a share know no rule, who is paid does not depend on how a
 * share is written, and no rule reads the messages of peers.
 */
export const ROOMS: readonly Room[] = [
  inStratum('mining', 'contract.ts'),
  { path: 'packages/stratum/src/contract.ts', imports: ['packages/stratum/src/mining/size-fit.ts'] },
  inStratum('v1', 'contract.ts', 'mining/'),
  inStratum('v2', 'contract.ts', 'mining/', 'v1/refusals.ts'),
  inGossip('wire', 'network-port.ts'),
  inGossip('peering', 'network-port.ts', 'peers/verdicts.ts'),
  inBitcoind('rpc', 'config.ts'),
  inBitcoind('templates', 'rpc/', 'config.ts', 'waiting.ts'),
  inBitcoind('blocks', 'rpc/', 'config.ts', 'waiting.ts'),
  inConsensus('encoding', 'share.ts'),
  inConsensus('coinbase', 'share.ts', 'params.ts'),
  inConsensus('commitment', 'share.ts', 'encoding/', 'coinbase/'),
  inConsensus('genesis', 'share.ts', 'params.ts', 'encoding/', 'coinbase/'),
  inConsensus('payout', 'share.ts', 'params.ts', 'asert.ts'),
  inConsensus('rules', 'share.ts', 'params.ts', 'asert.ts', 'coinbase/', 'commitment/', 'payout/')
]

/** The scope of every package here. */
export const SCOPE = '@p2poolv2/'

/** Types a value gets only from the constructor in `primitives` that checks it. */
export const BRANDS: ReadonlySet<string> = new Set(['ShareHash', 'BlockHash', 'TxId', 'UnixMs', 'UnixSec', 'SteadyMs'])

/** Words of a file name that say nothing about its content. */
export const EMPTY_WORDS: ReadonlySet<string> = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'manager',
  'misc'
])

export const MAX_SOURCE_LINES = 400
export const MAX_TEST_LINES = 500
export const MAX_README_LINES = 40
