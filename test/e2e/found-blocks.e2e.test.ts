import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusJson } from '@p2poolv2/api/schema'
import { findBitcoind, type RealBitcoind } from '@p2poolv2/bitcoind/testing'
import { describe, expect, it, type TestContext } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags, FETCH_BITCOIND_MS } from './stage/bitcoind-flags.ts'
import { openStage, type Stage } from './stage/stage.ts'
import { until } from './stage/until.ts'

const PATIENCE_MS = 120_000
const TEST_MS = FETCH_BITCOIND_MS + 400_000
/** Some 430 hashes; half of all hashes are blocks there. */
const EVERY_SUBMIT_A_BLOCK = ['minimum', 'maximum'].flatMap(end => ['--set', `stratum.${end}_difficulty=1e-7`])

async function household(ctx: TestContext): Promise<{ readonly stage: Stage; readonly bitcoind: RealBitcoind }> {
  const { path, missing } = await findBitcoind()
  if (path === null) return ctx.skip(missing)
  const stage = openStage()
  const bitcoind = await stage.bitcoind({ path, zmq: 'off' })
  await bitcoind.launch()
  await bitcoind.answering()
  return { stage, bitcoind }
}

/** What becomes of each block that was on bitcoind at some moment. */
const resultOf = ({ blocks }: StatusJson, hash: unknown): string =>
  blocks.find(block => block.hash === hash)?.result ?? 'not on record'

describe('blocks of a node', () => {
  it('go on where bitcoind has taken one back', { timeout: TEST_MS }, async ctx => {
    const { stage, bitcoind } = await household(ctx)
    const args = ['--chain', 'regtest', '--miners', '0', ...bitcoindFlags(bitcoind), ...EVERY_SUBMIT_A_BLOCK]
    const node = await stage.node({ dataDir: await stage.folder(), args }).ready()
    const miner = stage.miner({ url: node.stratumUrl, user: `${regtestAddress(9)}.a`, maxHashrateHps: 500 })
    for (const depth of [1, 3]) {
      await until('blocks', PATIENCE_MS, async () => Number(await bitcoind.rpc.call('getblockcount')) > depth || null)
      const height = Number(await bitcoind.rpc.call('getblockcount')) - depth + 1
      const back = await bitcoind.rpc.call('getblockhash', [height])
      await bitcoind.rpc.call('invalidateblock', [back])
      const instead = await until('another block in its place', PATIENCE_MS, () =>
        bitcoind.rpc.call('getblockhash', [height])
      )
      expect(instead).not.toBe(back)
      const isTold = (status: StatusJson): boolean =>
        resultOf(status, back) === 'orphaned' && /^(accepted|duplicate)/.test(resultOf(status, instead))
      await node.statusWhen('a record that says so', PATIENCE_MS, isTold)
    }
    await miner.stop()
    expect(await node.stop()).toEqual({ code: 0, signal: null })
  })

  it('found by the hundred while bitcoind is dead are one on its chain later, also if the node ends in between', {
    timeout: TEST_MS
  }, async ctx => {
    const { stage, bitcoind } = await household(ctx)
    const options = {
      dataDir: await stage.folder(),
      args: ['--chain', 'regtest', '--miners', '0', ...bitcoindFlags(bitcoind), ...EVERY_SUBMIT_A_BLOCK]
    }
    let ends: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'
    for (let life = 0; life < 2; life++) {
      const node = await stage.node(options).ready()
      const miner = stage.miner({ url: node.stratumUrl, user: `${regtestAddress(9)}.a`, maxHashrateHps: 60_000 })
      const from = Number(await bitcoind.rpc.call('getblockcount'))
      const isFurther = async () => Number(await bitcoind.rpc.call('getblockcount')) > from || null
      await until('a block', PATIENCE_MS, isFurther)
      await bitcoind.halt('SIGTERM')
      const found = async (): Promise<number> =>
        Number(/^p2pool_own_blocks_found_total (\d+)$/m.exec(await node.text('/metrics'))?.[1])
      const before = await found()
      await until('a flood', PATIENCE_MS, async () => (await found()) >= before + 100 || null)
      // Some of a parent, not all of them.
      expect(node.log.filter(({ level }) => level !== 'debug').length).toBeLessThan(from + 200)
      expect(await node.stop(ends)).toMatchObject(ends === 'SIGTERM' ? { code: 0 } : { signal: ends })
      await miner.stop()
      ends = 'SIGKILL'
      const files = await readdir(join(options.dataDir, 'regtest', 'blocks'))

      await bitcoind.launch()
      await bitcoind.answering()
      const height = Number(await bitcoind.rpc.call('getblockcount')) + 1
      const again = await stage.node(options).ready()
      const hash = await until('the block that was kept', PATIENCE_MS, () =>
        bitcoind.rpc.call('getblockhash', [height])
      )
      expect(files).toContain(`${height}-${String(hash)}.hex`)
      const isTold = (status: StatusJson): boolean => /^(accepted|duplicate)/.test(resultOf(status, hash))
      const { blocks } = await again.statusWhen('a record that says so', PATIENCE_MS, isTold)
      expect(blocks.filter(block => block.height === height).length).toBeLessThan(10)
      expect(await again.stop()).toEqual({ code: 0, signal: null })
    }
  })
})
