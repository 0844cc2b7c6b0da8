import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags } from './stage/bitcoind-flags.ts'
import { openStage, type Stage } from './stage/stage.ts'

/** A start that must fail: exit code 1, no stack trace, and what it said. */
async function refusedStart(stage: Stage, options: { dataDir: string; args?: readonly string[] }): Promise<string> {
  const { program } = stage.node(options)
  const ending = await program.ended
  expect(ending, program.tail).toEqual({ code: 1, signal: null })
  expect(program.output).not.toMatch(/^ +at /m)
  return program.output
}

async function takenPort(stage: Stage): Promise<number> {
  const server = await new Promise<Server>(resolve => {
    const listening: Server = createServer().listen(0, '127.0.0.1', () => resolve(listening))
  })
  stage.onEnd(() => new Promise(resolve => server.close(resolve)))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('a node that cannot start says what to change', () => {
  it('when the port for miners is taken', async () => {
    const stage = openStage()
    const port = await takenPort(stage)
    const args = ['--stratum-port', String(port)]
    const said = await refusedStart(stage, { dataDir: await stage.folder(), args })
    expect(said).toContain(String(port))
    expect(said).toContain('another program')
    expect(said).toMatch(/--stratum-port|\[stratum\] port/)
  })

  it('when the port of the page is taken', async () => {
    const stage = openStage()
    const port = await takenPort(stage)
    const said = await refusedStart(stage, { dataDir: await stage.folder(), args: ['--api-port', String(port)] })
    expect(said).toContain(String(port))
    expect(said).toContain('another program')
    expect(said).toMatch(/--api-port|\[api\] port/)
  })

  it('when the configuration has an unknown key', async () => {
    const stage = openStage()
    const dataDir = await stage.folder()
    await writeFile(join(dataDir, 'p2poolv2.toml'), '[stratum]\nprot = 3333\n')
    const said = await refusedStart(stage, { dataDir })
    expect(said).toContain('unknown key "stratum.prot"; did you mean "stratum.port"?')
    expect(await refusedStart(stage, { dataDir: await stage.folder(), args: ['--set', 'api.prot=1'] })).toContain(
      'did you mean "api.port"?'
    )
  })

  it('when the configuration is not TOML or holds a wrong value', async () => {
    const stage = openStage()
    const dataDir = await stage.folder()
    const file = join(dataDir, 'p2poolv2.toml')
    await writeFile(file, '[stratum\n')
    expect(await refusedStart(stage, { dataDir })).toContain(file)
    await writeFile(file, 'chain = "mian"\n[stratum]\nmax_connections = "many"\n')
    const said = await refusedStart(stage, { dataDir })
    expect(said).toContain(file)
    expect(said).toContain('chain is "mian": give one of main')
    expect(said).toContain('stratum.max_connections')
  })

  it('when the chain needs a bitcoin node and none is configured', async () => {
    const stage = openStage()
    const said = await refusedStart(stage, { dataDir: await stage.folder(), args: ['--chain', 'signet'] })
    expect(said).toContain('[[bitcoind]]')
  })

  it('when the data directory cannot be written', async () => {
    const stage = openStage()
    const folder = await stage.folder()
    let dataDir = join(folder, 'read-only')
    // Nothing is read-only to root but what the kernel says.
    if (process.getuid?.() === 0) dataDir = '/sys/p2poolv2'
    else {
      await mkdir(dataDir)
      await chmod(dataDir, 0o500)
    }
    const said = await refusedStart(stage, { dataDir })
    expect(said).toContain(dataDir)
    expect(said).toMatch(/data_dir|--data-dir/)
  })

  it('when the data directory is a file', async () => {
    const stage = openStage()
    const dataDir = join(await stage.folder(), 'a-file')
    await writeFile(dataDir, 'not a folder\n')
    const said = await refusedStart(stage, { dataDir })
    expect(said).toContain(dataDir)
    expect(said).toMatch(/data_dir|--data-dir/)
  })

  it('when others may read the wallet key', async () => {
    const stage = openStage()
    const dataDir = await stage.folder()
    await writeFile(join(dataDir, 'wallet.key'), `${'11'.repeat(32)}\n`, { mode: 0o644 })
    expect(await refusedStart(stage, { dataDir })).toContain('chmod 600')
  })

  it('when the genesis of the chain has to be configured and is not', async () => {
    const stage = openStage()
    const login = { url: 'http://127.0.0.1:9', user: 'user', password: 'password' }
    const args = ['--chain', 'testnet4', ...bitcoindFlags(login)]
    const said = await refusedStart(stage, { dataDir: await stage.folder(), args })
    expect(said).toContain('set time, bitcoin_height, bitcoin_header, bitcoin_coinbase in [genesis]')
  })

  it('when the store belongs to another devnet', async () => {
    const stage = openStage()
    const dataDir = await stage.folder()
    const first = await stage.node({ dataDir, args: ['--miners', '0'] }).ready()
    await first.stop()
    const said = await refusedStart(stage, { dataDir, args: ['--miners', '0', '--set', 'genesis.time=1700000000'] })
    expect(said).toMatch(/another|other|different/i)
    expect(said).toContain(dataDir)
  })
})

const HELLO = (user: string): string =>
  `${JSON.stringify({ id: 1, method: 'mining.subscribe', params: ['x/1'] })}\n` +
  `${JSON.stringify({ id: 2, method: 'mining.authorize', params: [user, 'x'] })}\n`

/** What comes to an open port sooner or later. */
const GARBAGE: readonly (readonly [string, string | Uint8Array])[] = [
  ['a TLS greeting', Uint8Array.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
  ['a web browser', 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
  ['every byte there is', Uint8Array.from({ length: 4096 }, (_, i) => (i * 167 + (i >> 8)) & 0xff)],
  ['a line without end', '{'.repeat(100_000)],
  ['what is no JSON', '{"id":1,"method":\n'],
  ['JSON of the wrong kind', 'null\n[]\n42\n"x"\n{"id":{},"method":7,"params":"x"}\n'.repeat(50)],
  ['deep JSON', `${'['.repeat(4000)}${']'.repeat(4000)}\n`],
  [
    'wrong parameters',
    '{"id":1,"method":"mining.submit","params":[1,2,3]}\n{"id":2,"method":"mining.authorize"}\n'.repeat(9)
  ],
  ['an address of another chain', HELLO('1BoatSLRHtKNngkdXEeobR76b53LETtpyT')],
  [
    'submits without end',
    HELLO(regtestAddress(5)) +
      '{"id":9,"method":"mining.submit","params":["x","0123456789abcdef","0000000000000000","00000000","00000000"]}\n'.repeat(
        5_000
      )
  ]
]

describe('a node whose port for miners is spoken to by anybody', () => {
  it('goes on serving miners', async () => {
    const stage = openStage()
    const node = await stage.node({ dataDir: await stage.folder(), args: ['--miners', '0'] }).ready()
    for (const [what, bytes] of GARBAGE) {
      const stranger = await stage.probe(node.stratumPort)
      stranger.write(bytes)
      const miner = await stage.probe(node.stratumPort)
      await miner.login(`${regtestAddress(6)}.honest`)
      await miner.notify(60_000).catch(error => {
        throw new Error(`after ${what}: ${(error as Error).message}`)
      })
      miner.close()
    }
    const status = await node.status()
    expect(status.bitcoind.state).toBe('ready')
    expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
    expect(await node.stop()).toEqual({ code: 0, signal: null })
  }, 400_000)
})
