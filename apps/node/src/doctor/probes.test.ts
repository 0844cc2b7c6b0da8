import { SCHEMA_VERSION } from '@p2poolv2/sharechain'
import { describe, expect, it } from 'vitest'
import { DEFAULTS } from '../settings.ts'
import { confValues } from './bitcoind-facts.ts'
import { BITCOIND_PROBES, type BitcoindFacts, type BitcoinFacts } from './bitcoind-probes.ts'
import { type Check, checked } from './check.ts'
import { COMPUTER_PROBES, type ComputerFacts } from './computer-probes.ts'
import { keptChecks } from './host-doctor.ts'
import { SETTINGS_PROBES, type SettingsFacts } from './settings-probes.ts'

const COMPUTER: ComputerFacts = {
  nodeVersion: 'v22.1.0',
  disk: { freeBytes: 50e9, path: '/data' },
  dataDir: { path: '/data', syncMs: 5, problem: null },
  openSecrets: [],
  wallet: 'there',
  storeLayout: SCHEMA_VERSION,
  openFiles: 4_096,
  maxConnections: 2_000,
  memory: { totalBytes: 8e9, freeBytes: 4e9 },
  clockSynchronised: true,
  stratum: { host: '::', port: 3333, state: 'free' },
  api: { host: '127.0.0.1', port: 46_884, state: 'free' },
  p2p: { host: '0.0.0.0', port: 6884, state: 'free' }
}

const NODE: BitcoindFacts = {
  url: 'http://127.0.0.1:8332',
  problem: null,
  chain: 'main',
  blocks: 900_000,
  headers: 900_000,
  initialBlockDownload: false,
  pruned: false,
  peers: 10,
  version: 290_100,
  name: 'Satoshi:29.1.0',
  relays: true,
  warnings: [],
  hashblockAddresses: ['tcp://127.0.0.1:28332'],
  zmq: { address: 'tcp://127.0.0.1:28332', answers: true },
  conf: { file: '/b/bitcoin.conf', values: new Map([['blockreservedweight', '100000']]) }
}

const SETTINGS: SettingsFacts = {
  config: { ...DEFAULTS, chain: 'main' },
  file: '/data/p2poolv2.toml',
  mistakes: [],
  reachability: 'reachable'
}

const of = (checks: readonly Check[], id: string): Check | undefined => checks.find(check => check.id === id)
const bitcoin = (over: Partial<BitcoindFacts>): BitcoinFacts => ({ nodes: [{ ...NODE, ...over }], chains: ['main'] })

it('finds nothing to mend where all is well', () => {
  const all = [
    ...checked(COMPUTER_PROBES, COMPUTER),
    ...checked(BITCOIND_PROBES, bitcoin({})),
    ...checked(SETTINGS_PROBES, SETTINGS)
  ]
  expect(all.filter(({ state }) => state !== 'ok' && state !== 'info')).toEqual([])
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  expect(all.length).toBeGreaterThanOrEqual(25)
})

describe('what is amiss is named with its fix', () => {
  it.each<[string, Partial<ComputerFacts>, Check['state'], string]>([
    ['node-version', { nodeVersion: 'v20.18.9' }, 'fail', 'Install Node.js'],
    ['node-version', { nodeVersion: 'v18.0.0' }, 'fail', 'Install Node.js'],
    ['disk-space', { disk: { freeBytes: 1e8, path: '/data' } }, 'fail', 'Free some space'],
    ['disk-space', { disk: { freeBytes: 2e9, path: '/data' } }, 'warn', 'Free some space'],
    ['data-dir', { dataDir: { path: '/data', syncMs: null, problem: 'EROFS' } }, 'fail', '--data-dir'],
    ['data-dir', { dataDir: { path: '/data', syncMs: 900, problem: null } }, 'warn', 'SSD'],
    ['store-layout', { storeLayout: SCHEMA_VERSION + 1 }, 'fail', 'db rollback'],
    ['key-files', { openSecrets: ['/data/wallet.key'] }, 'fail', "chmod 600 '/data/wallet.key'"],
    ['key-files', { wallet: 'lost' }, 'fail', "./p2poolv2 address --new --data-dir '/data'"],
    ['open-files', { openFiles: 256 }, 'warn', 'ulimit -n'],
    ['memory', { memory: { totalBytes: 5e8, freeBytes: 1e8 } }, 'warn', '1 GB'],
    ['clock-sync', { clockSynchronised: false }, 'warn', 'timedatectl'],
    ['stratum-port', { stratum: { host: '::', port: 3333, state: 'taken' } }, 'fail', '--stratum-port'],
    ['api-port', { api: { host: '::', port: 80, state: 'forbidden' } }, 'fail', 'above 1023'],
    ['p2p-port', { p2p: { host: '10.1.1.1', port: 1, state: 'no-such-address' } }, 'fail', '[p2p] port'],
    ['stratum-port', { stratum: { host: '::', port: 3333, state: 'silent' } }, 'fail', 'firewall']
  ])('%s of %j', (id, over, state, fix) => {
    const check = of(checked(COMPUTER_PROBES, { ...COMPUTER, ...over }), id)
    expect(check).toMatchObject({ state, fix: expect.stringContaining(fix), cost: expect.any(String) })
  })

  it.each<[string, Partial<BitcoindFacts>, Check['state'], string]>([
    ['bitcoin-rpc', { problem: 'refused' }, 'fail', '[[bitcoind]]'],
    ['bitcoin-chain', { chain: 'test' }, 'fail', 'Set chain'],
    ['bitcoin-sync', { initialBlockDownload: true, blocks: 1 }, 'fail', 'Wait'],
    ['bitcoin-sync', { blocks: 899_990 }, 'warn', 'Wait'],
    ['bitcoin-peers', { peers: 0 }, 'fail', 'getpeerinfo'],
    ['bitcoin-peers', { peers: 2 }, 'warn', 'network settings'],
    ['bitcoin-version', { version: 210_000 }, 'fail', 'Update'],
    ['bitcoin-version', { version: 270_000 }, 'warn', '29'],
    ['bitcoin-zmq', { zmq: null }, 'warn', 'zmq_hashblock = "tcp://127.0.0.1:28332"'],
    [
      'bitcoin-zmq',
      { zmq: { address: 'tcp://127.0.0.1:1', answers: false } },
      'warn',
      'zmqpubhashblock=tcp://127.0.0.1:1'
    ],
    ['bitcoin-zmq', { hashblockAddresses: [] }, 'warn', 'restart bitcoind'],
    ['bitcoin-mempool', { relays: false }, 'warn', 'blocksonly'],
    ['bitcoin-reserve', { conf: { file: '/b', values: new Map() } }, 'warn', 'blockreservedweight=100000'],
    ['bitcoin-reserve', { conf: { file: '/b', values: new Map([['blockmaxweight', '100']]) } }, 'warn', 'Remove'],
    ['bitcoin-warnings', { warnings: ['unknown new rules'] }, 'warn', 'log of bitcoind']
  ])('%s of %j', (id, over, state, fix) => {
    const check = of(checked(BITCOIND_PROBES, bitcoin(over)), id)
    expect(check).toMatchObject({ state, fix: expect.stringContaining(fix), cost: expect.any(String) })
  })

  it.each<[string, Partial<SettingsFacts>, Check['state']]>([
    ['config', { config: null, mistakes: ['stratum.port is "x"'] }, 'fail'],
    ['stratum-reach', { config: { ...DEFAULTS, stratum: { ...DEFAULTS.stratum, hostname: '127.0.0.1' } } }, 'warn'],
    ['api-reach', { config: { ...DEFAULTS, api: { ...DEFAULTS.api, hostname: '0.0.0.0' } } }, 'warn'],
    ['reachability', { reachability: 'outbound-only' }, 'info'],
    ['reachability', { reachability: null }, 'unknown'],
    ['chain-worth', { config: DEFAULTS }, 'info']
  ])('%s of %j', (id, over, state) => {
    expect(of(checked(SETTINGS_PROBES, { ...SETTINGS, ...over }), id)?.state).toBe(state)
  })
})

it('names the bitcoin node that is not well where there are several', () => {
  const nodes = [NODE, { ...NODE, url: 'http://spare:8332', peers: 0 }]
  expect(of(checked(BITCOIND_PROBES, { nodes, chains: ['main'] }), 'bitcoin-peers')).toMatchObject({
    state: 'fail',
    message: expect.stringContaining('http://spare:8332')
  })
  const silent = [NODE, { ...NODE, problem: 'http://spare:8332 cannot be reached' }]
  expect(of(checked(BITCOIND_PROBES, { nodes: silent, chains: ['main'] }), 'bitcoin-rpc')?.state).toBe('warn')
})

it('reads bitcoin.conf', () => {
  const values = confValues(
    '# x\nblockreservedweight = 100000 # room\n[main]\nzmqpubhashblock=tcp://127.0.0.1:28332\nserver\n'
  )
  expect([...values]).toEqual([
    ['blockreservedweight', '100000'],
    ['zmqpubhashblock', 'tcp://127.0.0.1:28332']
  ])
})

it('looks once however many ask, and anew after a while', async () => {
  let looks = 0
  let nowMs = 0
  const ask = keptChecks(
    async () => {
      looks += 1
      return []
    },
    () => nowMs
  )
  await Promise.all([ask(), ask()])
  nowMs = 19_000
  await ask()
  expect(looks).toBe(1)
  nowMs = 20_000
  await ask()
  expect(looks).toBe(2)
})
