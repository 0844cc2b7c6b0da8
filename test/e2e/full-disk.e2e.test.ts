import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStage, type Stage } from './stage/stage.ts'
import { confirmedChain, withStoredChain } from './stage/stored-chain.ts'

const PATIENCE_MS = 120_000
const ARGS = ['--log-level', 'debug', '--set', 'devnet.miner_hashrate=60000']

/** A disk of a few megabytes; null where this user may not mount one. */
async function smallDisk(stage: Stage): Promise<string | null> {
  const folder = join(await stage.folder(), 'disk')
  await mkdir(folder)
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'p2poolv2-test', folder])
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
    const disk = await smallDisk(stage)
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
