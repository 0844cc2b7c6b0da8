import type { StatusJson } from '@p2poolv2/api/schema'
import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import { findBitcoind } from '@p2poolv2/bitcoind/testing'
import { bytesToHex } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags, FETCH_BITCOIND_MS } from './stage/bitcoind-flags.ts'
import { owedBy } from './stage/owed.ts'
import type { PlainPayout, PlainPayouts } from './stage/payouts-by-hand.ts'
import { openStage } from './stage/stage.ts'
import { type StoredChain, storedHeader, withStoredChain } from './stage/stored-chain.ts'

/** The window is ten blocks' work long; one core does half a million hashes a second, a block takes
 * five million. That is two minutes; a third of that speed and bad luck are allowed for. */
const MINING_MS = 1_200_000
const TEST_MS = FETCH_BITCOIND_MS + MINING_MS + 30_000
const SUBSIDY_SATS = 5_000_000_000n

interface BlockView {
  readonly hash: string
  readonly height: number
  readonly bits: string
  readonly tx: readonly {
    readonly vout: readonly {
      readonly value: number
      readonly scriptPubKey: { readonly hex: string; readonly type: string }
    }[]
  }[]
}

/** What the block's coinbase pays, commitments left out, in the order of the outputs. */
function paidBy(block: BlockView): PlainPayout[] {
  const outputs = block.tx[0]?.vout ?? []
  return outputs
    .filter(({ scriptPubKey }) => scriptPubKey.type !== 'nulldata')
    .map(({ value, scriptPubKey }) => ({ scriptHex: scriptPubKey.hex, sats: BigInt(Math.round(value * 1e8)) }))
}

/** What the store says about this block: its share's height, and the payouts that its shares call for. */
async function storedSide(stored: StoredChain, block: BlockView): Promise<PlainPayouts & { shareHeight: number }> {
  const found = (await stored.store.readBlocks(100)).find(({ blockHash }) => blockHash === block.hash)
  if (found === undefined || found.shareHash === null) throw new Error('the store has no share that is this block')
  const share = await storedHeader(stored, found.shareHash)
  expect(bytesToHex(bitcoinHeaderHashWire(share.bitcoinHeader).reverse())).toBe(block.hash)
  expect(share.bitcoinHeader.bits.toString(16)).toBe(block.bits)
  return { ...(await owedBy(stored, found.shareHash, SUBSIDY_SATS)), shareHeight: share.height }
}

type FoundBlock = StatusJson['blocks'][number]

/** The block pays the two miners and nobody else: its window does not reach back to the genesis any more. */
function paysOnly(miners: readonly string[]): (block: FoundBlock) => boolean {
  return ({ result, outputs }) =>
    result === 'accepted' &&
    outputs.length === miners.length &&
    outputs.every(({ address }) => miners.includes(address))
}

describe('a node on a real bitcoind', () => {
  it('has blocks accepted that pay two miners what the stored shares say', { timeout: TEST_MS }, async ctx => {
    const { path, missing } = await findBitcoind()
    if (path === null) return ctx.skip(missing)
    const stage = openStage()
    const bitcoind = await stage.bitcoind({ path, chain: 'signet', zmq: 'off' })
    await bitcoind.launch()
    const dataDir = await stage.folder()
    const node = await stage.node({ dataDir, args: ['--miners', '0', ...bitcoindFlags(bitcoind)] }).ready()
    const miners = [regtestAddress(0x11), regtestAddress(0x22)]
    for (const address of miners) stage.miner({ url: node.stratumUrl, user: `${address}.cpu` })
    const isLast = paysOnly(miners)
    const status = await node.statusWhen('a block for a full window', MINING_MS, ({ blocks }) => blocks.some(isLast))
    expect(await node.stop()).toEqual({ code: 0, signal: null })

    const accepted = status.blocks.filter(({ result }) => result === 'accepted')
    await withStoredChain(dataDir, 'devnet', async stored => {
      for (const { hash } of accepted) {
        const block = (await bitcoind.rpc.call('getblock', [hash, 2])) as BlockView
        const owed = await storedSide(stored, block)
        expect(paidBy(block)).toEqual(owed.payouts)
        expect(await bitcoind.rpc.call('getblockhash', [block.height])).toBe(hash)
        console.info(
          `signet block ${block.height} is share ${owed.shareHeight} and pays ${owed.payouts.length} addresses for ` +
            `${owed.windowShares} shares, as computed by hand`
        )
      }
    })
  })
})
