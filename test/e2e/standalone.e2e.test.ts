import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressFromScript } from '@p2poolv2/bitcoin'
import { decodeBlock } from '@p2poolv2/devchain'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { bigIntFromBits, bytesToHexReversed } from '@p2poolv2/primitives'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags } from './stage/bitcoind-flags.ts'
import { LineMiner } from './stage/line-miner.ts'
import type { NodeProgram } from './stage/node-program.ts'
import { openStage, type Stage } from './stage/stage.ts'

/** 4,096 hashes: a hundred times what a miner is asked for, and found within a fraction of a second. */
const BLOCK_BITS = 0x1f100000
const BLOCK = { atMost: bigIntFromBits(BLOCK_BITS) }
const DIFFICULTY_1 = 0xffffn << 208n
const SUBSIDY_SATS = 5_000_000_000n
const PATIENCE_MS = 60_000
const MINERS = [regtestAddress(0x11), regtestAddress(0x22), regtestAddress(0x33)]

async function bitcoinNode(stage: Stage): Promise<DevChainServer> {
  const difficulty = {
    spacingSec: 30,
    startBits: BLOCK_BITS,
    easiestBits: BLOCK_BITS,
    hardestBits: BLOCK_BITS,
    windowBlocks: 16,
    stallSec: 1_000_000_000
  }
  const chain = await DevChainServer.start({ user: 'u', password: 'p', difficulty })
  stage.onEnd(() => chain.stop())
  return chain
}

function startNode(stage: Stage, chain: DevChainServer, flags: readonly string[]): Promise<NodeProgram> {
  const [dataDir = '', ...args] = flags
  const stratum = ['--set', 'stratum.minimum_difficulty=1e-8', '--set', 'stratum.start_difficulty=1e-8']
  const bitcoind = bitcoindFlags({ url: chain.url, user: 'u', password: 'p' })
  return stage.node({ dataDir, args: ['--miners', '0', ...bitcoind, ...stratum, ...args] }).ready()
}

async function connect(stage: Stage, node: NodeProgram, address: string): Promise<LineMiner> {
  const miner = await LineMiner.start(node.stratumPort, address)
  stage.onEnd(async () => miner.close())
  return miner
}

/** Shares that are no blocks, well beyond what is asked for. */
async function mineShares(miner: LineMiner, shares: number): Promise<void> {
  for (let share = 0; share < shares; share++) {
    const asked = DIFFICULTY_1 / BigInt(Math.ceil((miner.scripted.difficulty ?? 1) * 2 ** 40))
    await miner.mine({ atMost: (asked << 40n) >> 3n, above: BLOCK.atMost })
  }
}

/** What the tip of the chain pays, in its order. */
function paidByTip(chain: DevChainServer): [string, bigint][] {
  const block = decodeBlock(chain.chain.tip.bytes)
  const outputs = block?.transactions[0]?.outputs ?? []
  return outputs
    .filter(({ script }) => script[0] !== 0x6a)
    .map(({ script, valueSats }) => [addressFromScript(script, 'regtest') ?? '?', valueSats])
}

/**
 * The whole accounting, read without the node's code: `row SLICE ADDRESS` to `HASHES SUBMITS`, and over it what the journal has after the
 * entry that the rows have: `CRC NUMBER [[SLICE ADDRESS, HASHES SUBMITS], …]`.
 */
async function rowsOf(
  directory: string
): Promise<{ slice: string; address: string; hashes: bigint; submits: number }[]> {
  const database = new Level<string, string>(directory)
  await database.open()
  const values = new Map<string, string>()
  let written = 0
  for await (const [key, value] of database.iterator()) {
    if (key.startsWith('row ')) values.set(key.slice(4), value)
    else if (key === 'sequence') written = Number(value)
  }
  await database.close()
  const files = ['journal-a', 'journal-b'].map(name => readFileSync(join(directory, name), 'utf8'))
  const entries = files.flatMap(text => text.split('\n').filter(line => line !== ''))
  const numbered = entries.map(line => [Number(line.split(' ')[1]), line.slice(line.indexOf('['))] as const)
  for (const [, json] of numbered.filter(([number]) => number > written).sort(([a], [b]) => a - b)) {
    for (const [key, value] of JSON.parse(json) as [string, string][]) values.set(key, value)
  }
  return [...values].map(([key, value]) => {
    const [slice = '', address = ''] = key.split(' ')
    const [hashes = '', submits = ''] = value.split(' ')
    return { slice, address, hashes: BigInt(hashes), submits: Number(submits) }
  })
}

/** Newest slice first, in full, until a block's work is reached; then everybody's part, rounded down, the last gets the rest. */
function payoutsByHand(rows: Awaited<ReturnType<typeof rowsOf>>): [string, bigint][] {
  const weights = new Map<string, bigint>()
  let total = 0n
  for (const slice of [...new Set(rows.map(row => row.slice))].sort().reverse()) {
    if (total >= 4_096n) break
    for (const { address, hashes } of rows.filter(row => row.slice === slice)) {
      weights.set(address, (weights.get(address) ?? 0n) + hashes)
      total += hashes
    }
  }
  const payees = [...weights].sort(([a], [b]) => (a < b ? -1 : 1))
  let left = SUBSIDY_SATS
  return payees.map(([address, weight], at) => {
    const sats = at === payees.length - 1 ? left : (SUBSIDY_SATS * weight) / total
    left -= sats
    return [address, sats]
  })
}

describe('a node without a share chain', () => {
  it('as a pool pays three miners by its accounting, also after it was killed', { timeout: 240_000 }, async () => {
    const stage = openStage()
    const chain = await bitcoinNode(stage)
    const dataDir = await stage.folder()
    const flags = [dataDir, '--set', 'mode=hydrapool']
    const first = await startNode(stage, chain, flags)
    for (const [at, address] of MINERS.entries()) await mineShares(await connect(stage, first, address), 2 + at)
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    const stopped = await rowsOf(join(dataDir, 'devnet', 'hydrapool'))
    expect(stopped.reduce((sum, { submits }) => sum + submits, 0)).toBe(2 + 3 + 4)

    const second = await startNode(stage, chain, flags)
    const two = await Promise.all(MINERS.slice(0, 2).map(address => connect(stage, second, address)))
    await Promise.all(two.map(miner => mineShares(miner, 5)))
    await second.stop('SIGKILL')
    const killed = await rowsOf(join(dataDir, 'devnet', 'hydrapool'))
    // The last answer came a moment ago, and every one of them counts.
    expect(killed.reduce((sum, { submits }) => sum + submits, 0)).toBe(2 + 3 + 4 + 5 + 5)
    expect(killed).toEqual(expect.arrayContaining(stopped))
    const owed = payoutsByHand(killed)
    expect(owed.map(([address]) => address)).toEqual([...MINERS].sort())

    const third = await startNode(stage, chain, flags)
    const finder = await connect(stage, third, MINERS[2] ?? '')
    const { window, windowShares, mode, totals } = await third.status()
    // What was mined before the first stop; after a kill up to a minute of it is lost.
    expect(totals.accepted).toBeGreaterThanOrEqual(2 + 3 + 4)
    expect(mode).toBe('hydrapool')
    expect(windowShares).toBe(killed.reduce((sum, { submits }) => sum + submits, 0))
    expect(new Map(window.map(({ address, payoutSats }) => [address, BigInt(payoutSats)]))).toEqual(new Map(owed))
    const before = chain.chain.tip.bitcoinHeight
    const find = await finder.mine(BLOCK)
    const isAccepted = (result: string) => result === 'accepted'
    await third.statusWhen('an accepted block', PATIENCE_MS, ({ blocks }) => blocks.some(b => isAccepted(b.result)))
    expect(chain.chain.tip.bitcoinHeight).toBe(before + 1)
    expect(bytesToHexReversed(find.job.prevHashWire)).toBe(chain.chain.blockAt(before)?.hash)
    expect(paidByTip(chain)).toEqual(owed)
    expect(JSON.parse(await third.text('/v1/peers'))).toMatchObject({ peers: [], listening: [] })
    expect([...first.complaints, ...second.complaints, ...third.complaints]).toEqual([])
  })

  it('mining solo lets each block pay its finder, after the fee', { timeout: 120_000 }, async () => {
    const stage = openStage()
    const chain = await bitcoinNode(stage)
    const fee = ['--set', `stratum.fee_address=${regtestAddress(0x55)}`, '--set', 'stratum.fee=100']
    const node = await startNode(stage, chain, [await stage.folder(), '--set', 'mode=solo', ...fee])
    const [one = '', other = ''] = MINERS
    const miners = [await connect(stage, node, one), await connect(stage, node, other)]
    for (const [at, miner] of miners.entries()) {
      await miner.job(({ prevHashWire }) => bytesToHexReversed(prevHashWire) === chain.chain.tip.hash)
      await miner.mine(BLOCK)
      await node.statusWhen(
        'an accepted block',
        PATIENCE_MS,
        ({ blocks }) => blocks.filter(({ result }) => result === 'accepted').length > at
      )
      await miners[1]?.job(({ prevHashWire }) => bytesToHexReversed(prevHashWire) === chain.chain.tip.hash)
      expect(paidByTip(chain)).toEqual([
        [regtestAddress(0x55), SUBSIDY_SATS / 100n],
        [MINERS[at], SUBSIDY_SATS - SUBSIDY_SATS / 100n]
      ])
    }
    const { miners: shown, mode } = await node.status()
    expect({ mode, work: shown.map(({ work }) => work) }).toEqual({ mode: 'solo', work: ['solo', 'solo'] })
  })
})
