import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusJson } from '@p2poolv2/api/schema'
import { findBitcoind } from '@p2poolv2/bitcoind/testing'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags } from './stage/bitcoind-flags.ts'
import { openStage, type Stage } from './stage/stage.ts'
import { confirmedChain, withStoredChain } from './stage/stored-chain.ts'
import { until } from './stage/until.ts'

const PATIENCE_MS = 120_000
/** Some 430 hashes; half of all hashes are blocks there. */
const EVERY_SUBMIT_A_BLOCK = ['minimum', 'maximum'].flatMap(end => ['--set', `stratum.${end}_difficulty=1e-7`])
const ARGS = ['--log-level', 'debug', '--set', 'devnet.miner_hashrate=60000']

/** A disk of a few megabytes; null where this user may not mount one. */
async function smallDisk(stage: Stage, megabytes: number): Promise<string | null> {
  const folder = join(await stage.folder(), 'disk')
  await mkdir(folder)
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'p2poolv2-test', folder])
  if (status !== 0) return null
  stage.onEnd(async () => spawnSync('umount', ['-l', folder]))
  return folder
}

/** Fills the disk to the last byte. */
function fill(file: string): void {
  const chunk = Buffer.alloc(65_536, 1)
  for (const size of [chunk.length, 512, 1]) {
    try {
      for (;;) writeFileSync(file, chunk.subarray(0, size), { flag: 'a' })
    } catch {
      // Smaller pieces may still find room.
    }
  }
}

describe('a node whose disk is full', () => {
  it('says so, stops, and goes on with all it had reported once there is room', { timeout: 400_000 }, async ctx => {
    const stage = openStage()
    const disk = await smallDisk(stage, 12)
    if (disk === null) return ctx.skip('this user may not mount a small disk: run as root on Linux')
    const dataDir = join(disk, 'data')
    const node = await stage.node({ dataDir, args: ARGS }).ready()
    await node.statusWhen('some shares', PATIENCE_MS, ({ sharechain }) => sharechain.confirmedHeight >= 5)
    fill(join(disk, 'ballast'))
    const ending = await node.program.ended
    expect(ending.signal).toBeNull()
    expect(ending.code).not.toBe(0)
    const told = node.log.filter(({ level }) => level === 'error').map(({ msg }) => msg)
    expect(told).toContain('the disk refuses: the node stops')
    const sequences = node.log.filter(({ msg }) => msg === 'node: committed').map(({ sequence }) => Number(sequence))

    await rm(join(disk, 'ballast'))
    const before = await withStoredChain(dataDir, 'devnet', async stored => {
      expect(stored.sequence).toBeGreaterThanOrEqual(Math.max(...sequences))
      return confirmedChain(stored)
    })
    const again = await stage.node({ dataDir, args: ARGS }).ready()
    const isFurther = ({ sharechain }: { readonly sharechain: { readonly confirmedHeight: number } }): boolean =>
      sharechain.confirmedHeight > before.length
    await again.statusWhen('new shares', PATIENCE_MS, isFurther)
    expect(await again.stop()).toEqual({ code: 0, signal: null })
    const after = await withStoredChain(dataDir, 'devnet', confirmedChain)
    expect(after.slice(0, before.length)).toEqual(before)
  })
})

describe('a node whose bitcoind has a full disk', () => {
  it('gives it back the blocks that it had taken and not written down', { timeout: 600_000 }, async ctx => {
    const { path, missing } = await findBitcoind()
    if (path === null) return ctx.skip(missing)
    const stage = openStage()
    // It wants 50 MB at its start and puts 16 by for blocks.
    const disk = await smallDisk(stage, 90)
    if (disk === null) return ctx.skip('this user may not mount a small disk: run as root on Linux')
    const bitcoind = await stage.bitcoind({ path, zmq: 'off', extraArgs: [`-blocksdir=${disk}`] })
    await bitcoind.launch()
    await bitcoind.answering()
    const args = ['--chain', 'regtest', '--miners', '0', ...bitcoindFlags(bitcoind), ...EVERY_SUBMIT_A_BLOCK]
    const node = await stage.node({ dataDir: await stage.folder(), args }).ready()
    const miner = stage.miner({ url: node.stratumUrl, user: `${regtestAddress(9)}.a`, maxHashrateHps: 500 })
    const takenBy = (status: StatusJson) => status.blocks.filter(({ result }) => result === 'accepted')
    await node.statusWhen('a block', PATIENCE_MS, status => takenBy(status).length > 0)
    fill(join(disk, 'ballast'))
    const height = await bitcoind.rpc.call('getblockcount')
    await node.statusWhen(
      'a block on the full disk',
      PATIENCE_MS,
      ({ bitcoind: { height: now } }) => Number(now) > Number(height)
    )
    // Whatever has it write its chain down: it ends.
    await bitcoind.rpc.call('gettxoutsetinfo').catch(() => null)
    const { blocks } = await node.statusWhen(
      'no bitcoind',
      PATIENCE_MS,
      status => status.bitcoind.state === 'unreachable'
    )
    await bitcoind.halt()
    await miner.stop()

    await rm(join(disk, 'ballast'))
    await bitcoind.launch()
    await bitcoind.answering()
    const taken = blocks.filter(({ result }) => result === 'accepted')
    const isKnown = (hash: string) => bitcoind.rpc.call('getblockheader', [hash]).then(() => true as const)
    for (const { hash } of taken) await until(`block ${hash} on bitcoind`, PATIENCE_MS, () => isKnown(hash))
    expect(node.log.map(({ id }) => id)).toContain('P2P-0120')
    expect(await node.stop()).toEqual({ code: 0, signal: null })
  })
})

describe('a node that is told to stop while it starts', () => {
  it('ends at once, whenever that is, and harms nothing', { timeout: 400_000 }, async () => {
    const stage = openStage()
    const dataDir = await stage.folder()
    const first = await stage.node({ dataDir, args: ARGS }).ready()
    await first.statusWhen('some shares', PATIENCE_MS, ({ sharechain }) => sharechain.confirmedHeight >= 3)
    await first.stop()
    for (const afterMs of [50, 400, 900, 1_300]) {
      const node = stage.node({ dataDir, args: ARGS })
      await new Promise(resolve => setTimeout(resolve, afterMs))
      const { code, signal } = await node.stop('SIGTERM')
      expect(signal === 'SIGTERM' || code === 0, `${code} ${signal} ${node.program.tail}`).toBe(true)
      await withStoredChain(dataDir, 'devnet', confirmedChain)
    }
  })
})
