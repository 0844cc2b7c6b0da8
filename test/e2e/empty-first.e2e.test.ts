import { encodeTransaction, witnessProgramScript } from '@p2poolv2/bitcoin'
import { findBitcoind, type RealBitcoind, TemplateGate } from '@p2poolv2/bitcoind/testing'
import { bigIntFromBits, bytesToHex, bytesToHexReversed, wireFromDisplay } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags, FETCH_BITCOIND_MS } from './stage/bitcoind-flags.ts'
import { LineMiner } from './stage/line-miner.ts'
import { openStage } from './stage/stage.ts'
import { until } from './stage/until.ts'

/** A devnet's first share, some 65,000 hashes: a share and a block in one. */
const SHARE_AND_BLOCK = { atMost: bigIntFromBits(0x1f00ffff) }
const PATIENCE_MS = 60_000
const MATURE = 100

/** Something for the next template to contain: spends a coin that anybody may spend. */
async function pay(bitcoind: RealBitcoind, coinTxid: string): Promise<void> {
  const spending = encodeTransaction({
    version: 2,
    inputs: [
      {
        prevTxidWire: wireFromDisplay(coinTxid),
        prevIndex: 0,
        scriptSig: new Uint8Array(0),
        sequence: 0xffff_ffff,
        witness: []
      }
    ],
    // bitcoind relays nothing smaller than 65 bytes.
    outputs: [{ valueSats: 4_999_000_000n, script: witnessProgramScript(0, new Uint8Array(20)) }],
    lockTime: 0
  })
  await bitcoind.rpc.call('sendrawtransaction', [bytesToHex(spending), 0])
}

interface BlockView {
  readonly previousblockhash: string
  readonly tx: readonly { readonly vout: readonly { readonly value: number }[] }[]
}

describe('a node whose bitcoind takes long to make a template', () => {
  it('has a block without transactions accepted that is also a share', {
    timeout: FETCH_BITCOIND_MS + 180_000
  }, async ctx => {
    const { path, missing } = await findBitcoind()
    if (path === null) return ctx.skip(missing)
    const stage = openStage()
    const bitcoind = await stage.bitcoind({ path, extraArgs: ['-acceptnonstdtxn=1'] })
    await bitcoind.launch()
    await bitcoind.answering()
    const { descriptor } = (await bitcoind.rpc.call('getdescriptorinfo', ['raw(51)'])) as { descriptor: string }
    const [coinBlock = ''] = (await bitcoind.rpc.call('generatetodescriptor', [MATURE, descriptor])) as string[]
    const coin = (await bitcoind.rpc.call('getblock', [coinBlock])) as { tx: string[] }
    const gate = await TemplateGate.start(bitcoind.url)
    stage.onEnd(() => gate.stop())
    const { user, password } = bitcoind
    const flags = ['--miners', '0', ...bitcoindFlags({ url: gate.url, user, password })]
    const node = await stage.node({ dataDir: await stage.folder(), args: flags }).ready()
    const miner = await LineMiner.start(node.stratumPort, regtestAddress(0x44))
    stage.onEnd(async () => miner.close())

    gate.shut()
    await pay(bitcoind, coin.tx[0] ?? '')
    // With no transaction of the mempool: what was just paid is for the next template.
    const mined = await bitcoind.rpc.call('generateblock', [regtestAddress(0x45), []])
    const { hash: tip } = mined as { readonly hash: string }
    const isOnTip = ({ prevHashWire }: { readonly prevHashWire: Uint8Array }) =>
      bytesToHexReversed(prevHashWire) === tip
    const empty = await miner.job(isOnTip)
    expect(empty).toMatchObject({ branch: [], clean: true })

    gate.open()
    const full = await miner.job(job => isOnTip(job) && job.branch.length > 0)
    expect(full.clean).toBe(false)

    gate.shut()
    const [next = ''] = await bitcoind.generate(1)
    expect(await miner.job(job => bytesToHexReversed(job.prevHashWire) === next)).toMatchObject({
      branch: [],
      clean: true
    })
    await miner.mine(SHARE_AND_BLOCK)
    const status = await node.statusWhen('an accepted block', PATIENCE_MS, ({ blocks }) =>
      blocks.some(({ result }) => result === 'accepted')
    )
    const [found] = status.blocks
    const block = (await bitcoind.rpc.call('getblock', [found?.hash, 2])) as BlockView
    expect(block.previousblockhash).toBe(next)
    expect(block.tx).toHaveLength(1)
    expect(block.tx[0]?.vout.reduce((sum, { value }) => sum + value, 0)).toBe(50)
    expect(await bitcoind.rpc.call('getbestblockhash')).toBe(found?.hash)
    await until('the share of that block', PATIENCE_MS, async () => {
      const { sharechain } = await node.status()
      return sharechain.candidateHeight === 1 ? true : null
    })
    expect(node.complaints).toEqual([])
  })
})
