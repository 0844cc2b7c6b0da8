import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, type ConfigSources, dataDirOf, loadConfig } from './config.ts'
import { configTemplate } from './config-template.ts'
import { configuredParams } from './data/chain-params.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function load(toml: string | null, over: Partial<ConfigSources> = {}): ReturnType<typeof loadConfig> {
  const file = join(folder, 'node.toml')
  if (toml !== null) writeFileSync(file, toml)
  return loadConfig({ file: toml === null ? null : file, env: {}, flags: { data_dir: folder }, ...over })
}

function mistakeIn(toml: string | null, over: Partial<ConfigSources> = {}): string {
  try {
    load(toml, over)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('the configuration was accepted')
}

it('runs a devnet without any configuration', () => {
  const { config, file } = load(null)
  expect(file).toBeNull()
  expect(config.chain).toBe('devnet')
  expect(config.stratum.port).toBe(3333)
  expect(config.devnet.miners).toBe(2)
})

it('finds p2poolv2.toml in the data directory', () => {
  writeFileSync(join(folder, 'p2poolv2.toml'), '[stratum]\nport = 4444\n')
  expect(load(null).config.stratum.port).toBe(4444)
})

it('lets the environment override the file and flags override both', () => {
  const toml = '[stratum]\nport = 1000\n[api]\nport = 1001\n[logging]\nlevel = "warn"\n'
  const env = { P2POOL_STRATUM__PORT: '2000', P2POOL_API__PORT: '2001', P2POOL_CONFIG: 'ignored' }
  const { config } = load(toml, { env, flags: { data_dir: folder, 'stratum.port': '3000' } })
  expect([config.stratum.port, config.api.port, config.logging.level]).toEqual([3000, 2001, 'warn'])
})

it('lets the environment give the credentials of the first bitcoin node', () => {
  const toml =
    'chain = "signet"\n[[bitcoind]]\nurl = "http://127.0.0.1:38332"\n[[bitcoind]]\nurl = "http://127.0.0.1:38333"\ncookie_file = "c"\n'
  const { config } = load(toml, { env: { P2POOL_BITCOIND__USER: 'u', P2POOL_BITCOIND__PASSWORD: '12345' } })
  expect(config.bitcoind).toEqual([
    { url: 'http://127.0.0.1:38332', user: 'u', password: '12345' },
    { url: 'http://127.0.0.1:38333', cookie_file: 'c' }
  ])
})

describe('the data directory, for commands that ask the node there', () => {
  const NOTHING = { file: null, env: {}, flags: {} }

  it('is found as the node finds it: flag, environment, file that is named, file in the default directory', () => {
    const file = join(folder, 'node.toml')
    writeFileSync(file, 'data_dir = "/of/the/file"\n')
    const env = { P2POOL_DATA_DIR: '/of/the/environment' }
    expect(dataDirOf({ file, env, flags: { data_dir: '/of/the/flag' } })).toBe('/of/the/flag')
    expect(dataDirOf({ file, env, flags: {} })).toBe('/of/the/environment')
    expect(dataDirOf({ ...NOTHING, file })).toBe('/of/the/file')
    expect(dataDirOf({ ...NOTHING, env: { P2POOL_CONFIG: file } })).toBe('/of/the/file')
    expect(dataDirOf(NOTHING)).toBe(join(process.cwd(), '.p2poolv2'))
    expect(() => dataDirOf({ ...NOTHING, env: { P2POOL_DATA_DIR: '' } })).toThrow('data_dir is "": must not be empty')
    expect(() => dataDirOf({ ...NOTHING, flags: { data_dir: '' } })).toThrow('data_dir is "": must not be empty')
    expect(() => dataDirOf({ ...NOTHING, file: join(folder, 'none.toml') })).toThrow(ConfigError)
  })

  it('is not that of another node for a mistake in the file that is named', () => {
    const file = join(folder, 'node.toml')
    const where = { ...NOTHING, env: { P2POOL_DATA_DIR: '/of/the/environment' }, file }
    writeFileSync(file, 'datadir = "/of/the/file"\n')
    expect(() => dataDirOf(where)).toThrow('unknown key "datadir"; did you mean "data_dir"?')
    writeFileSync(file, 'data_dir = "/of/the/file"\n[stratum]\nport = "x"\n')
    expect(() => dataDirOf(where)).toThrow('stratum.port is "x"')
    writeFileSync(file, 'data_dir = 3\n')
    expect(() => dataDirOf({ ...NOTHING, file })).toThrow('data_dir is 3')
    // What it leaves to the environment is no mistake.
    writeFileSync(file, 'data_dir = "/of/the/file"\n[[bitcoind]]\nuser = "u"\n')
    expect(dataDirOf({ ...NOTHING, env: { P2POOL_BITCOIND__URL: 'http://127.0.0.1:1' }, file })).toBe('/of/the/file')
  })

  it('is found whatever a file that nobody named says of other things', () => {
    const file = join(folder, 'p2poolv2.toml')
    for (const text of ['chain = "none such"\n', '[stratum\n']) {
      writeFileSync(file, text)
      expect(dataDirOf({ ...NOTHING, flags: { data_dir: folder } })).toBe(folder)
    }
  })

  it.each(['P2POOL_DATADIR', 'P2POOL_DATA_DIRR', 'P2POOL_CONFIG_FILE', 'P2POOL_CONFG'])(
    'may be meant by %s, which is no variable of ours',
    name => expect(() => dataDirOf({ ...NOTHING, env: { [name]: '/x' } })).toThrow(name)
  )

  it('has nothing to do with variables of other programs', () => {
    const env = { P2POOL_NO_SUCH_KEY: '1', P2POOL_STRATUM__PROT: '1', P2POOL_HOME: '/x', P2POOL_STRATUM__PORT: 'x' }
    expect(dataDirOf({ ...NOTHING, env })).toBe(join(process.cwd(), '.p2poolv2'))
  })
})

it('listens on this computer alone when nothing may go in the clear, unless it is told where', () => {
  const hidden = '[p2p]\nonly_proxy = true\nsocks5 = "127.0.0.1:9050"\n'
  expect(load(hidden).config.p2p.hostname).toBe('127.0.0.1')
  expect(load(`${hidden}hostname = "192.0.2.1"\n`).config.p2p.hostname).toBe('192.0.2.1')
  expect(load('[p2p]\nsocks5 = "127.0.0.1:9050"\n').config.p2p.hostname).toBe('0.0.0.0')
})

it.each([
  ['[stratum]\nprot = 1\n', 'unknown key "stratum.prot"; did you mean "stratum.port"?'],
  ['[stratums]\nport = 1\n', 'unknown key "stratums"; did you mean "stratum"?'],
  ['chain = "devnet"\n[[bitcoind]]\nurl = "http://a:1"\ncookiefile = "x"\n', 'did you mean "bitcoind.0.cookie_file"?'],
  ['chain = "mainnet"\n', 'chain is "mainnet": give one of main, testnet4, signet, regtest, devnet'],
  ['[stratum]\nport = 70000\n', 'stratum.port is 70000: give a whole number from 0 to 65535'],
  ['[stratum]\nport = "x"\n', 'stratum.port is "x": give a whole number'],
  ['[p2p]\nmdns = "yes"\n', 'p2p.mdns is "yes": give true or false'],
  ['[p2p]\nonly_proxy = true\n', 'set p2p.socks5'],
  ['[p2p]\nsocks5 = "tor"\n', 'must be host:port'],
  ['[p2p]\nexternal_address = "1.2.3.4"\n', 'write it like /ip4/192.0.2.1/tcp/6884'],
  ['[p2p]\nexternal_address = "/ip4/1.2.3.4/tcp/6884/x"\n', 'write it like /ip4/192.0.2.1/tcp/6884'],
  ['chain = "testnet4"\n[genesis]\ntime = 1\n', 'set bitcoin_height, bitcoin_header, bitcoin_coinbase in [genesis]'],
  ['[stratum]\nstart_difficulty = 5\nmaximum_difficulty = 1\n', 'start_difficulty is above stratum.maximum_difficulty'],
  [
    '[[bitcoind]]\nurl = "http://a:1"\nuser = "a"\npassword = "b"\nzmq_hashblock = "127.0.0.1:1"\n',
    'tcp://127.0.0.1:28332'
  ],
  [`[stratum]\npool_signature = "${'x'.repeat(40)}"\n`, 'must have at most 39 characters'],
  ['[stratum]\npool_signature = "Pool№2"\n', 'must be plain ASCII text'],
  ['[stratum]\nfee = 100\n', 'stratum.fee_address and stratum.fee belong together'],
  ['[stratum]\nminimum_difficulty = 5\nmaximum_difficulty = 1\n', 'below stratum.minimum_difficulty'],
  ['[stratum]\ntls_port = 4333\n', 'belong together: set all three or none'],
  ['chain = "signet"\n', 'needs a bitcoin node'],
  ['[[bitcoind]]\nurl = "http://127.0.0.1:1"\n', 'set cookie_file, or user and password'],
  ['[[bitcoind]]\nurl = "127.0.0.1:1"\nuser = "a"\npassword = "b"\n', 'bitcoind.0.url'],
  ['stratum = 5\n', 'stratum is 5: is a section: write its keys below a line [stratum]'],
  ['[bitcoind]\nurl = "x"\n', 'bitcoind: write a section [[bitcoind]], with two brackets'],
  ['[[bitcoind]]\nuser = "a"\n', 'bitcoind.0.url: is missing. RPC address'],
  ['[[bitcoind]]\nurl = "x"\n', 'bitcoind.0.url: give an address like http://127.0.0.1:8332'],
  ['[alerts]\nwebhook = "x"\n', 'alerts.webhook: give an address like https://example.org/path'],
  ['[stratum]\nhostname = 5\n', 'stratum.hostname is 5: give text in quotes'],
  ['[stratum]\nhostname = ""\n', 'stratum.hostname is "": must not be empty'],
  ['[stratum]\nfee = -1\n', 'stratum.fee is -1: give a whole number from 0 to 10000'],
  ['[stratum]\nstart_difficulty = "a"\n', 'stratum.start_difficulty is "a": give a number above 0'],
  ['[p2p]\ndial_peers = "x"\n', 'p2p.dial_peers is "x": give a list of texts'],
  ['[p2p]\ndial_peers = [1]\n', 'p2p.dial_peers.0 is 1: give a list of texts'],
  ['[genesis]\nbitcoin_header = "ab"\n', 'must have exactly 160 characters'],
  ['[stratum\n', 'is not TOML']
])('refuses %j and names the fix', (toml, message) => {
  expect(mistakeIn(toml)).toContain(message)
})

it.each([
  'stratum = 5\n',
  '[stratum]\nhostname = 5\n',
  '[stratum]\nfee = -1\nport = 1.5\n',
  '[api]\nhost_names = 3\nauth_token = "x"\n',
  '[[bitcoind]]\n',
  'bitcoind = 3\n'
])('says nothing of %j in the words of the library that checks it', toml => {
  expect(mistakeIn(toml)).not.toMatch(/Invalid|expected|received|Too (small|big)/)
})

it('marks blocks with P2Poolv2, with another text or with none, as the operator likes', () => {
  const signatureOf = (toml: string): string => load(toml).config.stratum.pool_signature
  expect(signatureOf('')).toBe('P2Poolv2')
  expect(signatureOf('[stratum]\npool_signature = ""\n')).toBe('')
  expect(signatureOf(`[stratum]\npool_signature = "${'x'.repeat(39)}"\n`)).toBe('x'.repeat(39))
})

it('asks for no genesis share where there is no share chain', () => {
  const node = '[[bitcoind]]\nurl = "http://127.0.0.1:1"\ncookie_file = "c"\n'
  const { config } = load(`chain = "testnet4"\nmode = "solo"\n${node}`)
  expect(configuredParams(config)).toMatchObject({ chain: 'testnet4', genesisBitcoinHeight: 0 })
  expect(mistakeIn(`chain = "testnet4"\n${node}`)).toContain('[genesis]')
})

it('names every mistake at once', () => {
  const message = mistakeIn('[stratum]\nprot = 1\nmax_connections = 0\n')
  expect(message).toContain('stratum.prot')
  expect(message).toContain('stratum.max_connections')
})

it('suggests the key meant by a mistyped environment variable or flag', () => {
  expect(mistakeIn(null, { env: { P2POOL_STRATUM__PROT: '1' } })).toContain('did you mean "stratum.port"?')
  expect(mistakeIn(null, { flags: { 'api.prt': '1' } })).toContain('did you mean "api.port"?')
})

it('says how to make the file that is missing', () => {
  expect(mistakeIn(null, { file: join(folder, 'none.toml') })).toContain('./p2poolv2 init')
})

it.each(['main', 'signet', 'regtest', 'devnet'] as const)(
  'writes a commented configuration for %s that loads but for the name of the reader',
  chain => {
    const toml = configTemplate(chain)
    if (chain !== 'devnet') expect(mistakeIn(toml)).toContain('bitcoind.0.cookie_file is "/home/YOU/')
    const { config } = load(toml.replace('/home/YOU/', '/home/ann/'))
    expect(config.chain).toBe(chain)
    expect(config.bitcoind).toHaveLength(chain === 'devnet' ? 0 : 1)
  }
)

it('writes down the true defaults: with every comment sign taken away the configuration means the same', () => {
  const toml = configTemplate('signet').replace('/home/YOU/', '/home/ann/')
  const spelled = toml.replace(/^# ([a-z_]+ = .+)$/gm, '$1')
  expect(spelled).not.toBe(toml)
  const { data_dir: _, ...expected } = load(toml).config
  const { data_dir: __, ...actual } = load(spelled).config
  expect(actual).toEqual(expected)
})

it.each([
  '[[bitcoind]]\nurl = "http://a:hunter2@h"\npassword = "hunter2\n',
  'chain = "signet"\n[[bitcoind]]\nurl = "http://a:hunter2@h"\n',
  '[[bitcoind]]\nurl = "http://h"\npassword = ["hunter2"]\n'
])('quotes no password of a wrong configuration', text => {
  let message = ''
  try {
    load(text)
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).not.toBe('')
  expect(message).not.toContain('hunter2')
})
