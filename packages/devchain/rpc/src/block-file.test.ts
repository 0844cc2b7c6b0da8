import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DevChain, decodeBlockRecords, encodeBlockRecord } from '@p2poolv2/devchain'
import { growBranch, REGTEST_DIFFICULTY } from '@p2poolv2/devchain/testing'
import { concatBytes } from '@p2poolv2/primitives'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BlockFile, FILE_LIMITS, type FileLimits } from './block-file.ts'

const NOW_SEC = 1_795_360_577
const LATER_SEC = NOW_SEC + 7_000
const trunk = growBranch({ count: 5, fromSec: NOW_SEC })
const one = growBranch({ on: trunk.blocks, count: 3, fromSec: NOW_SEC + 150 })
const other = growBranch({ on: trunk.blocks, count: 3, fromSec: NOW_SEC + 157 })
const longer = growBranch({ on: other.blocks, count: 1, fromSec: NOW_SEC + 250 })

async function path(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-blocks-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'devchain')
}

async function opened(file: string, limits?: FileLimits) {
  const chain = new DevChain(REGTEST_DIFFICULTY)
  const { file: blocks, report } = await BlockFile.open(file, chain, limits)
  const take = async (list: readonly Uint8Array[]): Promise<void> => {
    for (const bytes of list) {
      const outcome = chain.receive(bytes, LATER_SEC)
      if ('added' in outcome) await blocks.append(outcome.added)
    }
  }
  return { chain, blocks, report, take }
}

/** Until its end every write of this process to an open file fails, half of it written. */
async function fullDisk(): Promise<{ end: () => void }> {
  const handle = await open(await path(), 'w')
  const prototype = Object.getPrototypeOf(handle) as { appendFile: (data: Uint8Array) => Promise<void> }
  await handle.close()
  const { appendFile } = prototype
  prototype.appendFile = async function (data) {
    await appendFile.call(this, data.subarray(0, data.length >> 1))
    throw new Error('no space')
  }
  const end = (): void => {
    prototype.appendFile = appendFile
  }
  onTestFinished(async () => end())
  return { end }
}

describe('BlockFile', () => {
  it('keeps side blocks, and of two branches with equal work the first again', async () => {
    for (const order of [
      [...one.blocks, ...other.blocks.slice(5)],
      [...other.blocks, ...one.blocks.slice(5)]
    ]) {
      const file = await path()
      const before = await opened(file)
      await before.take(order)
      await before.blocks.close()
      const after = await opened(file)
      expect(after.report).toEqual({ restoredBlocks: 11, droppedBytes: 0 })
      expect(after.chain.tip.hash).toBe(before.chain.tip.hash)
      expect(after.chain.sideCount).toBe(3)
      await after.take(longer.blocks.slice(-1))
      expect(after.chain.tip.hash).toBe(longer.chain.tip.hash)
      await after.blocks.close()
    }
  })

  it('comes back to some block of its history, wherever a crash tore it', async () => {
    const records = [...one.blocks, ...longer.blocks.slice(5)].map((bytes, i) =>
      encodeBlockRecord({ bytes, bitcoinHeight: i < 8 ? i + 1 : i - 2 })
    )
    const whole = concatBytes(...records)
    const history = new DevChain(REGTEST_DIFFICULTY)
    const tips = [history.tip.hash]
    for (const bytes of [...one.blocks, ...longer.blocks.slice(5)]) {
      history.receive(bytes, LATER_SEC)
      tips.push(history.tip.hash)
    }
    const file = await path()
    for (let length = whole.length; length > 0; length -= 61) {
      await writeFile(file, whole.subarray(0, length))
      const { chain, blocks, report } = await opened(file)
      expect(chain.tip.hash).toBe(tips[report.restoredBlocks])
      const good = decodeBlockRecords(whole.subarray(0, length)).goodBytes
      expect((await stat(file)).size).toBe(good)
      await blocks.close()
    }
  })

  it('is written anew at its cap, with what the chain keeps', async () => {
    const file = await path()
    const limits = { ...FILE_LIMITS, records: 10 }
    const before = await opened(file, limits)
    await before.take([...one.blocks, ...longer.blocks.slice(5)])
    await before.blocks.close()
    expect(await readdir(join(file, '..'))).toEqual(['devchain'])
    // The chain keeps all twelve here: the cap is above what it keeps, or every block would write all of them.
    expect(decodeBlockRecords(await readFile(file)).records).toHaveLength(12)
    const after = await opened(file, limits)
    expect(after.chain.tip.hash).toBe(longer.chain.tip.hash)
    expect([...after.chain.blocks()].map(({ hash }) => hash)).toEqual(
      [...before.chain.blocks()].map(({ hash }) => hash)
    )
    await after.blocks.close()
  })

  it.each([
    ['few', 3],
    ['many', 8]
  ])('has every block again once a full disk takes %s that it refused', async (_how, count) => {
    const line = growBranch({ count: count + 2, fromSec: NOW_SEC, spacingSec: 1 })
    const file = await path()
    const { blocks, take } = await opened(file, { ...FILE_LIMITS, unwritten: 5 })
    await take(line.blocks.slice(0, 1))
    const full = await fullDisk()
    for (const block of line.blocks.slice(1, -1)) await expect(take([block])).rejects.toThrow('no space')
    full.end()
    await take(line.blocks.slice(-1))
    await blocks.close()
    const after = await opened(file)
    expect(after.report).toEqual({ restoredBlocks: count + 2, droppedBytes: 0 })
    expect(after.chain.tip.hash).toBe(line.chain.tip.hash)
    await after.blocks.close()
  })

  it('steps over records that follow nothing', async () => {
    const file = await path()
    const lost = encodeBlockRecord({ bytes: longer.blocks.at(-1) ?? new Uint8Array(0), bitcoinHeight: 9 })
    const records = trunk.blocks.map((bytes, i) => encodeBlockRecord({ bytes, bitcoinHeight: i + 1 }))
    await writeFile(file, concatBytes(...records.slice(0, 3), lost, ...records.slice(3)))
    const { chain, blocks, report } = await opened(file)
    expect(report).toEqual({ restoredBlocks: 5, droppedBytes: lost.length })
    expect(chain.tip.hash).toBe(trunk.chain.tip.hash)
    await blocks.close()
  })
})
