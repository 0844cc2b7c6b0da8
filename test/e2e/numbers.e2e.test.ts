import type { BlocksJson, TemplateJson, WindowJson, WorkersJson } from '@p2poolv2/api/schema'
import { bytesToHex } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import type { NodeProgram } from './stage/node-program.ts'
import { DEVNET, plainShare } from './stage/owed.ts'
import { payoutsByHand } from './stage/payouts-by-hand.ts'
import { openStage } from './stage/stage.ts'
import { confirmedChain, storedHeader, withStoredChain } from './stage/stored-chain.ts'

const SOON_MS = 240_000
const MINERS = [regtestAddress(3), regtestAddress(4)]

async function answer<T>(node: NodeProgram, path: string): Promise<T> {
  return JSON.parse(await node.text(path)) as T
}

/** Page by page, so that the way back to the first is looked at as well. */
async function allBlocks(node: NodeProgram): Promise<BlocksJson['blocks']> {
  const blocks: BlocksJson['blocks'] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: BlocksJson = await answer(node, `/v1/blocks?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
    blocks.push(...page.blocks)
    cursor = page.next
  }
  return blocks
}

it('the API, the metrics and the store say the same of shares, blocks and payouts', async () => {
  const stage = openStage()
  const node = await stage.node({ dataDir: await stage.folder(), args: ['--set', 'devnet.miners=0'] }).ready()
  const miners = MINERS.map(address =>
    stage.miner({ url: node.stratumUrl, user: `${address}.rig`, maxHashrateHps: 40_000 })
  )
  await node.statusWhen(
    'blocks and shares of both',
    SOON_MS,
    ({ blocks, window }) =>
      blocks.length >= 3 && MINERS.every(address => window.some(entry => entry.address === address))
  )
  for (const miner of miners) await miner.stop('SIGTERM')
  // From here on the numbers stand still.
  const status = await node.statusWhen(
    'nobody at work, and an answer to each block',
    SOON_MS,
    ({ miners, blocks }) => miners.length === 0 && blocks.every(({ result }) => result !== 'submitted')
  )
  const blocks = await allBlocks(node)
  const { total } = await answer<BlocksJson>(node, '/v1/blocks')
  const window = await answer<WindowJson>(node, '/v1/window')
  const { household } = await answer<WorkersJson>(node, '/v1/workers')
  const { template } = await answer<TemplateJson>(node, '/v1/template')
  const metrics = await node.text('/metrics')
  const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
  expect(await node.stop('SIGTERM')).toEqual({ code: 0, signal: null })

  expect(blocks).toHaveLength(total)
  expect(metric('bitcoin_blocks_found_total')).toBe(total)
  expect(metric('p2pool_own_blocks_found_total')).toBe(status.totals.blocksFound)
  expect(metric('shares_accepted_total')).toBe(household.accepted)
  expect(metric('shares_rejected_total')).toBe(household.rejected)
  expect(status.totals.accepted).toBe(household.accepted)
  expect(metric('best_share_ever')).toBe(household.bestDifficulty)
  expect(metric('p2pool_window_shares')).toBe(window.shares)
  expect(metric('p2pool_sharechain_height{chain="confirmed"}'.replaceAll(/[{}]/g, '\\$&'))).toBe(
    status.sharechain.confirmedHeight
  )

  await withStoredChain(node.dataDir, 'devnet', async stored => {
    const chain = await confirmedChain(stored)
    expect(chain.at(-1)).toBe(status.sharechain.confirmedHash)
    expect(chain).toHaveLength(status.sharechain.confirmedHeight + 1)

    const onRecord = await stored.store.readBlocks(1_000)
    expect(await stored.store.countBlocks()).toBe(total)
    expect(blocks.map(({ hash, height, result, sats }) => [hash, height, result, sats])).toEqual(
      onRecord.map(({ blockHash, bitcoinHeight, result, outputs }) => [
        blockHash,
        bitcoinHeight,
        result,
        Number(outputs.reduce((sum, { valueSats }) => sum + valueSats, 0n))
      ])
    )

    if (template === null) throw new Error('there is a template')
    const { genesisHash, confirmedTip } = stored
    const owed = await payoutsByHand(
      {
        ...DEVNET,
        shareOf: hash => plainShare(stored, hash),
        genesisHash,
        anchor: confirmedTip,
        bitcoinBits: Number.parseInt(template.bits, 16)
      },
      BigInt(template.coinbaseSats)
    )
    const scripts = new Map<string, string>()
    for (const hash of chain) {
      const { text, script } = (await storedHeader(stored, hash)).minerBitcoinAddress
      scripts.set(bytesToHex(script), text)
    }
    const byHand = owed.payouts.map(({ scriptHex, sats }) => [scripts.get(scriptHex), Number(sats)])
    expect(window.miners.map(({ address, sats }) => [address, sats]).sort()).toEqual(byHand.sort())
    expect(window.shares).toBe(owed.windowShares)
  })
}, 600_000)
