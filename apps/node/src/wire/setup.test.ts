import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SetupAnswers } from '@p2poolv2/api/schema'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { createLog, systemClock } from '@p2poolv2/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../config.ts'
import { DEFAULTS } from '../settings.ts'
import { type SetupHost, setupSources } from './setup.ts'

// BIP173's example, on mainnet and testnet.
const MAIN_ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
const TEST_ADDRESS = 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'

let folder: string
let server: DevChainServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-setup-'))
  const log = createLog({ level: 'silent', format: 'json' })
  server = await DevChainServer.start({
    user: 'u',
    password: 'p"w',
    file: join(folder, 'devchain'),
    clock: systemClock(),
    log
  })
})
afterEach(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

/** What stands in the data directory beside the bitcoin chain. */
const entries = (): string[] => readdirSync(folder).filter(name => name !== 'devchain')

const answers = (over: Partial<SetupAnswers> = {}): SetupAnswers => ({
  chain: 'regtest',
  payoutAddress: '',
  rpcUrl: server.url,
  cookieFile: '',
  rpcUser: 'u',
  rpcPassword: 'p"w',
  zmqHashblock: '',
  isPageOnLan: false,
  ...over
})

function setup(host: Partial<SetupHost> = {}) {
  const sources = { file: null, env: {}, flags: { data_dir: folder } }
  return setupSources({ ...DEFAULTS, data_dir: folder }, null, { sources, restart: null, ...host })
}

describe('the answers', () => {
  it('of a household whose bitcoin node gives work have nothing wrong', async () => {
    expect(await setup().check(answers())).toEqual({
      problems: [],
      bitcoind: { state: 'ready', height: 0, findings: [] }
    })
  })

  it.each([
    [{ payoutAddress: MAIN_ADDRESS }, 'payoutAddress', 'is no address of regtest'],
    [{ chain: 'main', payoutAddress: TEST_ADDRESS }, 'payoutAddress', 'those begin with bc1, 1, 3'],
    [{ chain: 'main', payoutAddress: `${MAIN_ADDRESS.slice(0, -1)}x` }, 'payoutAddress', 'is no address of main'],
    [{ rpcUrl: 'localhost:8332' }, 'rpcUrl', 'http://127.0.0.1:18443'],
    [{ rpcUser: '' }, 'cookieFile', 'cookie file'],
    [{ chain: 'main' }, 'payoutAddress', 'give the address'],
    [
      { chain: 'main', payoutAddress: MAIN_ADDRESS, cookieFile: '/no/.cookie' },
      'cookieFile',
      '/no/.cookie is not there'
    ],
    [{ zmqHashblock: '127.0.0.1:28332' }, 'zmqHashblock', 'tcp://127.0.0.1:28332']
  ] as const)('%j name the field that is wrong, and what to put', async (over, field, words) => {
    const { problems } = await setup().check(answers(over))
    expect(problems).toEqual([{ field, message: expect.stringContaining(words) }])
    await expect(setup().write(answers(over))).rejects.toMatchObject({ code: 'command-refused' })
    expect(entries()).toEqual([])
  })

  it('of an address that is right on its chain are taken', async () => {
    for (const [chain, payoutAddress] of [
      ['main', MAIN_ADDRESS],
      ['signet', TEST_ADDRESS]
    ] as const)
      expect((await setup().check(answers({ chain, payoutAddress }))).problems).toEqual([])
  })

  it('are tried on the bitcoin node: wrong password, wrong network, nobody there', async () => {
    const { check } = setup()
    const wrong = (await check(answers({ rpcPassword: 'x' }))).bitcoind
    expect(wrong).toMatchObject({ state: 'unusable', height: null })
    expect(wrong.findings[0]?.message).toContain('password')
    const other = (await check(answers({ chain: 'signet' }))).bitcoind
    expect(other).toMatchObject({ state: 'unusable', height: 0 })
    expect(other.findings[0]?.message).toContain("'regtest', not on 'signet'")
    const nobody = (await check(answers({ rpcUrl: 'http://127.0.0.1:1' }))).bitcoind
    expect(nobody).toMatchObject({ state: 'waiting', height: null })
    const cookie = (await check(answers({ cookieFile: join(folder, 'nothing') }))).bitcoind
    expect(cookie.findings[0]?.message).toContain('is not there')
  })
})

describe('the configuration', () => {
  it('is written whole, for this user alone, and read as it was meant', async () => {
    const done = await setup().write(answers({ zmqHashblock: 'tcp://127.0.0.1:28332', isPageOnLan: true }))
    expect(done).toMatchObject({ file: join(folder, 'p2poolv2.toml'), kept: null, restarts: false })
    expect(statSync(done.file).mode & 0o777).toBe(0o600)
    expect(entries()).toEqual(['p2poolv2.toml'])
    const { config } = loadConfig({ file: null, env: {}, flags: { data_dir: folder } })
    expect(config).toMatchObject({
      chain: 'regtest',
      api: { hostname: '0.0.0.0' },
      bitcoind: [{ url: server.url, user: 'u', password: 'p"w', zmq_hashblock: 'tcp://127.0.0.1:28332' }]
    })
    // Every other key is in it with its meaning, for who edits it later.
    expect(readFileSync(done.file, 'utf8')).toContain('# silent_minutes = 10')
  })

  it('that is there is kept beside', async () => {
    const file = join(folder, 'p2poolv2.toml')
    writeFileSync(file, '# mine\n')
    const done = await setup().write(answers())
    expect(readFileSync(done.kept ?? '', 'utf8')).toBe('# mine\n')
    expect(readFileSync(file, 'utf8')).toContain('chain = "regtest"')
  })

  it('is tried with the flags and environment of the next start, and not written if that would fail', async () => {
    const flags = { data_dir: folder, 'p2p.only_proxy': 'true' }
    const { check, write } = setup({ sources: { file: null, env: {}, flags } })
    expect((await check(answers())).problems).toEqual([
      { field: 'chain', message: expect.stringContaining('p2p.socks5') }
    ])
    await expect(write(answers())).rejects.toThrow('p2p.socks5')
    expect(entries()).toEqual([])
  })

  it('for testnet4 says that its genesis share is missing', async () => {
    const { problems } = await setup().check(answers({ chain: 'testnet4' }))
    expect(problems[0]?.message).toContain('[genesis]')
  })

  it('says where it cannot be written', async () => {
    const missing = join(folder, 'no', 'such')
    const sources = setupSources({ ...DEFAULTS, data_dir: missing }, null, {
      sources: { file: null, env: {}, flags: {} },
      restart: null
    })
    await expect(sources.write(answers())).rejects.toThrow('cannot be written (ENOENT)')
  })

  it('comes into force by a restart where the node can do that', async () => {
    let restarts = 0
    const sources = setup({ restart: () => void restarts++ })
    const done = await sources.write(answers())
    expect([done.restarts, restarts]).toEqual([true, 0])
    sources.written()
    expect(restarts).toBe(1)
  })
})
