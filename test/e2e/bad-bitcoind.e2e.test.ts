import type { StatusJson } from '@p2poolv2/api/schema'
import { type FoundBitcoind, findBitcoind, type RealBitcoind } from '@p2poolv2/bitcoind/testing'
import { beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags, FETCH_BITCOIND_MS } from './stage/bitcoind-flags.ts'
import type { NodeProgram } from './stage/node-program.ts'
import { openStage, type Stage } from './stage/stage.ts'

const PATIENCE_MS = 120_000
const TEST_MS = 400_000

let found: FoundBitcoind = { path: null, missing: 'not looked for yet' }

beforeAll(async () => {
  found = await findBitcoind()
}, FETCH_BITCOIND_MS)

interface Household {
  readonly stage: Stage
  /** Not running yet. */
  readonly bitcoind: RealBitcoind
}

async function household(ctx: TestContext): Promise<Household> {
  if (found.path === null) return ctx.skip(found.missing)
  const stage = openStage()
  return { stage, bitcoind: await stage.bitcoind({ path: found.path, zmq: 'off' }) }
}

async function running(home: Household): Promise<RealBitcoind> {
  await home.bitcoind.launch()
  await home.bitcoind.answering()
  return home.bitcoind
}

async function nodeWith(home: Household, args: readonly string[]): Promise<NodeProgram> {
  return home.stage.node({ dataDir: await home.stage.folder(), args: ['--miners', '0', ...args] }).ready()
}

function statusOf(node: NodeProgram, state: StatusJson['bitcoind']['state']): Promise<StatusJson['bitcoind']> {
  return node
    .statusWhen(`a bitcoin node that is ${state}`, PATIENCE_MS, ({ bitcoind }) => bitcoind.state === state)
    .then(({ bitcoind }) => bitcoind)
}

async function expectCalmEnd(node: NodeProgram): Promise<void> {
  expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
  expect(await node.stop()).toEqual({ code: 0, signal: null })
}

describe('a node whose bitcoind gives it trouble', () => {
  it('waits for one that is not there yet, and then gives its waiting miners work', { timeout: TEST_MS }, async ctx => {
    const home = await household(ctx)
    const node = await nodeWith(home, ['--chain', 'regtest', ...bitcoindFlags(home.bitcoind)])
    const { url, message } = await statusOf(node, 'unreachable')
    expect(url).toBe(home.bitcoind.url)
    expect(message).toContain('[bitcoind] url')
    const miner = await home.stage.probe(node.stratumPort)
    await miner.login(`${regtestAddress(7)}.early`)
    expect(miner.notified).toEqual([])

    const bitcoind = await running(home)
    const best = await bitcoind.rpc.call('getbestblockhash')
    const job = await miner.notify(PATIENCE_MS)
    expect(job.prevHash).toBe(best)
    expect((await statusOf(node, 'ready')).message).toBeNull()
    await expectCalmEnd(node)
  })

  it('goes on when it is stopped and comes back', { timeout: TEST_MS }, async ctx => {
    const home = await household(ctx)
    const bitcoind = await running(home)
    const node = await nodeWith(home, ['--chain', 'regtest', ...bitcoindFlags(home.bitcoind)])
    const miner = await home.stage.probe(node.stratumPort)
    await miner.login(`${regtestAddress(8)}.patient`)
    await miner.notify(PATIENCE_MS)
    await bitcoind.halt()
    expect((await statusOf(node, 'unreachable')).message).toContain('[bitcoind] url')
    expect(miner.isClosed).toBe(false)

    await running(home)
    await statusOf(node, 'ready')
    const [hash] = await bitcoind.generate(1)
    const job = await miner.notify(PATIENCE_MS, ({ prevHash }) => prevHash === hash)
    expect(job.isClean).toBe(true)
    await expectCalmEnd(node)
  })

  it('names the settings when it is not let in', { timeout: TEST_MS }, async ctx => {
    const home = await household(ctx)
    const { url, user } = await running(home)
    const login = { url, user, password: 'wrong-password' }
    const node = await nodeWith(home, ['--chain', 'regtest', ...bitcoindFlags(login)])
    const { message } = await statusOf(node, 'misconfigured')
    expect(message).toMatch(/password/)
    expect(message).toContain('[bitcoind]')
    expect(node.program.output).not.toContain('wrong-password')
    await expectCalmEnd(node)
  })

  it('names the cookie file when that is not there', { timeout: TEST_MS }, async ctx => {
    const home = await household(ctx)
    const cookie = `${await home.stage.folder()}/.cookie`
    const flags = ['--set', `bitcoind.url=${home.bitcoind.url}`, '--set', `bitcoind.cookie_file=${cookie}`]
    const node = await nodeWith(home, ['--chain', 'regtest', ...flags])
    const { message } = await statusOf(node, 'unreachable')
    expect(message).toContain(cookie)
    expect(message).toContain('cookie_file')
    await expectCalmEnd(node)
  })

  it('names the settings when it is on another network', { timeout: TEST_MS }, async ctx => {
    const home = await household(ctx)
    await running(home)
    const node = await nodeWith(home, ['--chain', 'signet', ...bitcoindFlags(home.bitcoind)])
    const { message } = await statusOf(node, 'misconfigured')
    expect(message).toContain("'regtest'")
    expect(message).toContain("'signet'")
    expect(message).toMatch(/chain|\[bitcoind\] url/)
    await expectCalmEnd(node)
  })

  it('mines without the zmq topic, and says that it is missing', { timeout: TEST_MS }, async ctx => {
    const home = await household(ctx)
    const bitcoind = await running(home)
    const { zmqAddress } = bitcoind
    const flags = [...bitcoindFlags(home.bitcoind), '--set', `bitcoind.zmq_hashblock=${zmqAddress}`]
    const node = await nodeWith(home, ['--chain', 'regtest', ...flags])
    const { message } = await statusOf(node, 'ready')
    expect(message).toContain('zmqpubhashblock')
    const miner = await home.stage.probe(node.stratumPort)
    await miner.login(`${regtestAddress(10)}.polled`)
    const [hash] = await bitcoind.generate(1)
    await miner.notify(PATIENCE_MS, ({ prevHash }) => prevHash === hash)
    await expectCalmEnd(node)
  })
})
