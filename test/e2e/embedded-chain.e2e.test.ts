import type { StatusJson } from '@p2poolv2/api/schema'
import { describe, expect, it } from 'vitest'
import type { NodeProgram } from './stage/node-program.ts'
import { openStage } from './stage/stage.ts'
import { confirmedChain, withStoredChain } from './stage/stored-chain.ts'

/** A block takes seven seconds on average, the next one thirteen, and the first may come before both have a share. */
const BLOCKS_MS = 400_000
const SHARES_MS = 60_000
const HEX_64 = /^[0-9a-f]{64}$/

/** The addresses of the built-in miners. */
function minersOf(status: StatusJson): string[] {
  return [...new Set(status.miners.map(({ address }) => address))]
}

function paysAll(block: StatusJson['blocks'][number], addresses: readonly string[]): boolean {
  return addresses.every(address => block.outputs.some(output => output.address === address && output.sats > 0))
}

/** Mining until a block pays both built-in miners. */
function blockForBoth(node: NodeProgram, withinMs: number): Promise<StatusJson> {
  return node.statusWhen('a block that pays both miners', withinMs, status => {
    const addresses = minersOf(status)
    const paid = status.blocks.some(block => block.result === 'accepted' && paysAll(block, addresses))
    return status.sharechain.confirmedHeight > 0 && addresses.length === 2 && paid
  })
}

function expectFullStatus(status: StatusJson): void {
  expect(status).toMatchObject({
    chain: 'devnet',
    fingerprint: expect.stringMatching(HEX_64),
    version: expect.any(String),
    sharechain: {
      confirmedHeight: expect.any(Number),
      confirmedHash: expect.stringMatching(HEX_64),
      candidateHeight: expect.any(Number),
      uncles: expect.any(Number)
    },
    windowShares: expect.any(Number),
    bitcoind: { url: expect.stringMatching(/^http:/), state: 'ready', height: expect.any(Number), message: null }
  })
  for (const entry of status.window) {
    expect(entry).toEqual({
      address: expect.stringMatching(/^bcrt1/),
      weight: expect.stringMatching(/^\d+$/),
      percent: expect.any(Number),
      payoutSats: expect.any(Number)
    })
  }
  expect(status.window.reduce((sum, { percent }) => sum + percent, 0)).toBeCloseTo(100, 3)
  for (const block of status.blocks) {
    expect(block).toEqual({
      height: expect.any(Number),
      hash: expect.stringMatching(HEX_64),
      time: expect.any(Number),
      outputs: expect.any(Array),
      result: expect.any(String)
    })
    for (const output of block.outputs) {
      expect(output).toEqual({ address: expect.stringMatching(/^bcrt1/), sats: expect.any(Number) })
    }
  }
  for (const miner of status.miners) {
    expect(miner).toEqual({
      worker: expect.stringMatching(/^built-in-\d$/),
      address: expect.stringMatching(/^bcrt1/),
      userAgent: `p2poolv2-cpuminer/${status.version}`,
      difficulty: expect.any(Number),
      hashrate: expect.any(Number),
      accepted: expect.any(Number),
      rejected: expect.any(Number),
      work: 'pool',
      warnings: []
    })
  }
}

async function stopWithin10s(node: NodeProgram): Promise<void> {
  const fromMs = performance.now()
  const ending = await node.stop('SIGTERM')
  expect(ending).toEqual({ code: 0, signal: null })
  expect(performance.now() - fromMs).toBeLessThan(10_000)
}

const storedChain = (dataDir: string): Promise<string[]> => withStoredChain(dataDir, 'devnet', confirmedChain)

describe('a node with nothing configured', () => {
  it('mines shares and a block that pays both its miners, and goes on where it stopped', async () => {
    const stage = openStage()
    const dataDir = await stage.folder()
    const first = await stage.node({ dataDir }).ready()
    const before = await blockForBoth(first, BLOCKS_MS)
    expectFullStatus(before)
    expect(before.bitcoind.height).toBeGreaterThan(0)
    expect(await first.text('/')).toMatch(/^<!doctype html>/i)
    await stopWithin10s(first)
    expect(first.complaints.map(({ msg }) => msg)).toEqual([
      'no bitcoind is configured: mining on the embedded development chain, whose coins are worth nothing'
    ])

    const stopped = await storedChain(dataDir)
    expect(stopped[before.sharechain.confirmedHeight]).toBe(before.sharechain.confirmedHash)

    const second = await stage.node({ dataDir }).ready()
    const resumed = second.log.find(({ msg }) => msg === 'share chain opened')
    expect(resumed).toMatchObject({ height: stopped.length - 1, tip: stopped.at(-1) })
    const after = await second.statusWhen(
      'shares after the restart',
      SHARES_MS,
      status => status.sharechain.confirmedHeight > stopped.length + 2 && status.window.length > 0
    )
    const addressesOf = (status: StatusJson): string[] => status.window.map(({ address }) => address).sort()
    expect(addressesOf(after)).toEqual(addressesOf(before))
    expect(after.blocks.map(({ hash }) => hash)).toEqual(expect.arrayContaining(before.blocks.map(({ hash }) => hash)))
    expect(after.bitcoind.height).toBeGreaterThanOrEqual(before.bitcoind.height ?? 0)
    expect(after.fingerprint).toBe(before.fingerprint)
    await stopWithin10s(second)
    const whole = await storedChain(dataDir)
    expect(whole.length).toBeGreaterThan(stopped.length + 2)
    expect(whole.slice(0, stopped.length)).toEqual(stopped)
  }, 600_000)

  it('runs beside another one, but not on the same data directory', async () => {
    const stage = openStage()
    const slow = ['--set', 'devnet.miner_hashrate=30000']
    const dataDir = await stage.folder()
    const first = await stage.node({ dataDir, args: slow }).ready()
    const beside = await stage.node({ dataDir: await stage.folder(), args: slow }).ready()
    expect(beside.stratumPort).not.toBe(first.stratumPort)
    expect(beside.apiUrl).not.toBe(first.apiUrl)
    const isMining = (status: StatusJson): boolean => status.sharechain.confirmedHeight >= 2
    const statuses = await Promise.all([
      first.statusWhen('shares of the first copy', SHARES_MS, isMining),
      beside.statusWhen('shares of the second copy', SHARES_MS, isMining)
    ])
    expect(statuses[0].sharechain.confirmedHash).not.toBe(statuses[1].sharechain.confirmedHash)
    await stopWithin10s(beside)

    const intruder = stage.node({ dataDir, args: slow })
    const ending = await intruder.program.ended
    expect(ending.code).toBe(1)
    expect(intruder.program.output).toMatch(/is using|in use/)
    expect(intruder.program.output).toContain(String(first.program.pid))
    expect(intruder.program.output).not.toMatch(/^ +at /m)

    const { confirmedHeight } = (await first.status()).sharechain
    await first.statusWhen(
      'further shares of the first copy',
      SHARES_MS,
      status => status.sharechain.confirmedHeight > confirmedHeight
    )
  }, 300_000)
})
