/** What each library that a package of ours names is for. One without a line here is not taken. */
export const PURPOSES: Readonly<Record<string, string>> = {
  '@biomejs/biome': 'format and lint',
  '@chainsafe/libp2p-gossipsub': 'gossipsub: topics among peers',
  '@libp2p/crypto': 'the key behind the name among peers',
  '@libp2p/identify': 'what a peer speaks',
  '@libp2p/interface': 'types and errors of libp2p',
  '@libp2p/kad-dht': 'Kademlia: finding peers',
  '@libp2p/mdns': 'finding peers on the local network',
  '@libp2p/noise': 'encryption between peers',
  '@libp2p/peer-id': 'names of peers',
  '@libp2p/ping': 'whether a peer is still there',
  '@libp2p/tcp': 'TCP between peers',
  '@libp2p/utils': 'frames on a stream',
  '@libp2p/yamux': 'several streams on one connection',
  '@multiformats/multiaddr': 'addresses of peers',
  '@noble/ciphers': 'ChaCha20-Poly1305 of Stratum V2',
  '@noble/curves': 'secp256k1 of Stratum V2',
  '@noble/hashes': 'SHA-256 and HMAC of Stratum V2',
  '@noble/secp256k1': 'checks of taproot addresses',
  '@scure/base': 'bech32, base58 and base64',
  '@scure/btc-signer': 'scripts of Stratum V2 key pairs',
  '@sveltejs/vite-plugin-svelte': 'packs the page',
  '@types/node': 'types of Node.js',
  '@types/ws': 'types of ws',
  'axe-core': 'tests: the page for people who cannot see it',
  'bitcoinjs-lib': 'addresses and scripts of bitcoin',
  commander: 'the command line',
  'fast-check': 'tests: properties',
  fastify: 'the HTTP server of the page and the API',
  level: 'LevelDB: the share chain on disk',
  libp2p: 'connections between peers',
  pino: 'the log',
  'playwright-core': 'tests: a browser on the page',
  'prom-client': 'metrics',
  'smol-toml': 'the configuration file',
  svelte: 'the page',
  'svelte-check': 'types of the page',
  tsx: 'runs scripts and tests from the sources',
  typescript: 'the compiler',
  uplot: 'curves on the page',
  uqr: 'QR codes',
  vite: 'packs the page',
  vitest: 'runs the tests',
  ws: 'WebSockets of the API',
  yaml: 'reads the packaging files that tests look at',
  zeromq: 'hears of new blocks from bitcoind',
  zod: 'shapes of settings and API answers'
}

/**
 * Packages that have a script for the time of installation. pnpm runs none of them (`allowBuilds` in pnpm-workspace.yaml): each brings what
 * the script would make.
 */
export const KNOWN_INSTALL_SCRIPTS: ReadonlySet<string> = new Set([
  '@biomejs/biome',
  'classic-level',
  'esbuild',
  'zeromq'
])

/** What a library may ask of who passes it on: to be named, or nothing. */
export const GOOD_LICENCES: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense'
])

/** Licences that ask for more, of packages that only build or test and are in nothing we pass on. */
export const TOOL_LICENCES: ReadonlySet<string> = new Set(['MPL-2.0', 'CC-BY-4.0'])

/** Packages whose licence is none of those, and why it is right all the same. */
export const KNOWN_LICENCES: Readonly<Record<string, string>> = {
  // Carries libzmq as it is published; who passes it on says where its source is.
  zeromq: 'MIT AND MPL-2.0'
}
