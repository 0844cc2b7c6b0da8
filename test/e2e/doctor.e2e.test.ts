import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { DoctorJson } from '@p2poolv2/api/schema'
import { type FoundBitcoind, findBitcoind, type RealBitcoind } from '@p2poolv2/bitcoind/testing'
import { beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { bitcoindFlags, FETCH_BITCOIND_MS } from './stage/bitcoind-flags.ts'
import { runCommand } from './stage/command.ts'
import { openStage, type Stage } from './stage/stage.ts'

const TEST_MS = 400_000

let found: FoundBitcoind = { path: null, missing: 'not looked for yet' }
beforeAll(async () => {
  found = await findBitcoind()
}, FETCH_BITCOIND_MS)

type Check = DoctorJson['checks'][number]

interface Answer {
  readonly code: number
  readonly check: (id: string) => Check
}

/** What the doctor says where no node runs. */
async function doctor(stage: Stage, ...flags: readonly string[]): Promise<Answer> {
  const dataDir = flags.includes('--data-dir') ? [] : ['--data-dir', await stage.folder()]
  const { code, stdout } = await runCommand('doctor', '--json', ...dataDir, ...flags)
  const { checks } = JSON.parse(stdout) as DoctorJson
  return {
    code,
    check: id => {
      const one = checks.find(check => check.id === id)
      if (one === undefined) throw new Error(`there is no check ${id}`)
      return one
    }
  }
}

async function bitcoind(ctx: TestContext, stage: Stage, extraArgs: readonly string[] = []): Promise<RealBitcoind> {
  if (found.path === null) return ctx.skip(found.missing)
  const node = await stage.bitcoind({ path: found.path, extraArgs })
  await node.launch()
  await node.answering()
  return node
}

const onRegtest = (node: RealBitcoind, ...more: readonly string[]): string[] => [
  ...['--chain', 'regtest', ...bitcoindFlags(node), '--set', `bitcoind.zmq_hashblock=${node.zmqAddress}`],
  ...more
]

describe('the doctor and a real bitcoind', () => {
  it('find nothing to mend where all is well', { timeout: TEST_MS }, async ctx => {
    const stage = openStage()
    const node = await bitcoind(ctx, stage)
    await node.generate(1)
    const { check } = await doctor(stage, ...onRegtest(node))
    for (const id of ['rpc', 'chain', 'sync', 'peers', 'zmq', 'mempool'])
      expect(check(`bitcoin-${id}`), id).toMatchObject({ state: 'ok' })
    expect(check('bitcoin-version').message).toMatch(/Satoshi/)
  })

  it('name what is broken on purpose, with its fix', { timeout: TEST_MS }, async ctx => {
    const stage = openStage()
    const node = await bitcoind(ctx, stage, ['-blocksonly'])
    const login = onRegtest(node)

    const wrongChain = await doctor(stage, ...login, '--chain', 'signet')
    expect(wrongChain.code).toBe(4)
    expect(wrongChain.check('bitcoin-chain')).toMatchObject({
      state: 'fail',
      message: 'It is on regtest, not on signet.'
    })

    const wrongPassword = await doctor(stage, ...login, '--set', 'bitcoind.password=wrong')
    expect(wrongPassword.check('bitcoin-rpc')).toMatchObject({ state: 'fail', fix: expect.stringContaining('login') })
    expect(JSON.stringify(wrongPassword.check('bitcoin-rpc'))).not.toContain(node.password)

    const quiet = await doctor(stage, ...login, '--set', 'bitcoind.zmq_hashblock=tcp://127.0.0.1:1')
    expect(quiet.check('bitcoin-mempool')).toMatchObject({ state: 'warn', fix: expect.stringContaining('blocksonly') })
    expect(quiet.check('bitcoin-zmq')).toMatchObject({
      state: 'warn',
      fix: expect.stringContaining('zmqpubhashblock=tcp://127.0.0.1:1')
    })

    await node.halt()
    const stopped = await doctor(stage, ...login)
    expect(stopped.check('bitcoin-rpc')).toMatchObject({ state: 'fail', cost: 'Miners get no work.' })
    expect(stopped.check('bitcoin-chain').state).toBe('unknown')
  })
})

describe('the doctor and a computer', () => {
  it(
    'name ports that are taken, keys that are open, and a configuration that cannot be used',
    async () => {
      const stage = openStage()
      const dataDir = await stage.folder()
      const taken = await new Promise<Server>(resolve => {
        const server: Server = createServer().listen(0, '127.0.0.1', () => resolve(server))
      })
      stage.onEnd(() => new Promise(resolve => taken.close(resolve)))
      const { port } = taken.address() as { readonly port: number }
      await writeFile(join(dataDir, 'wallet.key'), `${'11'.repeat(32)}\n`)
      await chmod(join(dataDir, 'wallet.key'), 0o644)
      const at = ['--data-dir', dataDir, '--set', `stratum.port=${port}`, '--set', 'stratum.hostname=127.0.0.1']
      const { code, check } = await doctor(stage, ...at)
      expect(code).toBe(4)
      expect(check('stratum-port')).toMatchObject({
        state: 'fail',
        message: expect.stringContaining(`127.0.0.1:${port}`)
      })
      expect(check('key-files')).toMatchObject({ state: 'fail', fix: expect.stringContaining('chmod 600') })

      const broken = await doctor(stage, '--data-dir', dataDir, '--chain', 'main')
      expect(broken.check('config')).toMatchObject({ state: 'fail', message: expect.stringContaining('[[bitcoind]]') })
    },
    TEST_MS
  )
})
