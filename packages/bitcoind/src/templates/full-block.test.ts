import {
  assembleBlock,
  type BlockTemplate,
  buildCoinbase,
  coinbaseOf,
  coinbaseRoom,
  encodeTransaction,
  fitTemplate,
  foldBranch,
  headerInto,
  type TxOutput,
  witnessProgramScript
} from '@p2poolv2/bitcoin'
import { bytesToHex, hashMeetsTarget, sha256d, wireFromDisplay } from '@p2poolv2/primitives'
import { describe, expect, it, onTestFinished } from 'vitest'
import { getTemplate } from '../rpc/node-answers.ts'
import { findBitcoind } from '../testing/find-bitcoind.ts'
import { RealBitcoind } from '../testing/real-bitcoind.ts'

const { path, missing } = await findBitcoind()
const OP_TRUE = Uint8Array.of(0x51)
const OP_CHECKMULTISIG = 0xae
const FEE_SATS = 1_000_000n
const MATURE = 100

/** A node whose blocks may be full, and coins that anybody can spend. */
async function nodeWithCoins(coins: number): Promise<{ node: RealBitcoind; spend: (to: TxOutput[]) => Promise<void> }> {
  const extraArgs = ['-acceptnonstdtxn=1', '-blockmaxweight=3999000', '-blockreservedweight=2000']
  const node = await RealBitcoind.start({ path: path ?? '', extraArgs })
  onTestFinished(() => node.remove())
  const { descriptor } = (await node.rpc.call('getdescriptorinfo', ['raw(51)'])) as { descriptor: string }
  const hashes = (await node.rpc.call('generatetodescriptor', [coins + MATURE, descriptor])) as string[]
  const spend = async (outputs: TxOutput[]): Promise<void> => {
    const block = (await node.rpc.call('getblock', [hashes.shift()])) as { tx: string[] }
    const paidSats = outputs.reduce((sum, { valueSats }) => sum + valueSats, FEE_SATS)
    const change: TxOutput = { valueSats: 5_000_000_000n - paidSats, script: OP_TRUE }
    const spending = encodeTransaction({
      version: 2,
      inputs: [
        {
          prevTxidWire: wireFromDisplay(block.tx[0] ?? ''),
          prevIndex: 0,
          scriptSig: new Uint8Array(0),
          sequence: 0xffff_ffff,
          witness: []
        }
      ],
      outputs: [change, ...outputs],
      lockTime: 0
    })
    await node.rpc.call('sendrawtransaction', [bytesToHex(spending), 0])
  }
  return { node, spend }
}

/** The coinbase the pool would build for this template, and what it takes. */
function coinbaseFor(template: BlockTemplate, payees: readonly Uint8Array[]) {
  const share = template.coinbaseValueSats / BigInt(payees.length)
  const outputs = payees.map(script => ({ valueSats: share, script }))
  const coinbase = buildCoinbase({
    bitcoinHeight: template.bitcoinHeight,
    auxFlags: template.auxFlags,
    poolSignature: new Uint8Array(0),
    outputs,
    witnessCommitmentScript: template.witnessCommitmentScript,
    padding: 'A'
  })
  return { coinbase, room: coinbaseRoom(coinbase, outputs) }
}

/** A whole block with the work it needs, as hex. */
function blockOn(template: BlockTemplate, payees: readonly Uint8Array[]): string {
  const { coinbase: skeleton } = coinbaseFor(template, payees)
  const job = { work: { coinbase: skeleton }, nsecs: 0n, commitment: new Uint8Array(32) }
  const coinbase = coinbaseOf(job, new Uint8Array(12))
  const merkleRootWire = foldBranch(sha256d(coinbase), template.merkleBranch)
  const header = new Uint8Array(80)
  for (let nonce = 0; ; nonce++) {
    headerInto(template, { merkleRootWire, version: template.version, timeSec: template.curTimeSec, nonce }, header)
    if (hashMeetsTarget(sha256d(header), template.bitcoinTarget)) break
  }
  return assembleBlock(header, coinbase, template.transactions, 'with-witness')
}

const p2pkh = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, n) => {
    const hash = sha256d(Uint8Array.of(n & 0xff, n >> 8)).subarray(0, 20)
    return Uint8Array.of(0x76, 0xa9, 0x14, ...hash, 0x88, 0xac)
  })

const p2tr = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, n) => witnessProgramScript(1, sha256d(Uint8Array.of(n & 0xff, n >> 8))))

const TITLE =
  missing === null ? 'full blocks at a real bitcoind' : `full blocks at a real bitcoind (none here: ${missing})`

describe.skipIf(path === null)(TITLE, { timeout: 120_000 }, () => {
  it('a template full of signature checks makes a valid block, whatever the payees’ addresses cost', async () => {
    const { node, spend } = await nodeWithCoins(5)
    // Each output costs 80 for each of its bytes: five transactions of some 15,900, the most that is relayed.
    const checks = (bytes: number): TxOutput => ({
      valueSats: 0n,
      script: new Uint8Array(bytes).fill(OP_CHECKMULTISIG)
    })
    for (const last of [29, 29, 29, 29, 28]) await spend([...Array<TxOutput>(5).fill(checks(34)), checks(last)])
    const template = await getTemplate(node.rpc, { chain: 'regtest' })
    expect(template.transactions.reduce((sum, { sigopsCost }) => sum + (sigopsCost ?? 0), 0)).toBe(79_520)

    const payees = p2pkh(200)
    expect(await node.rpc.call('submitblock', [blockOn(template, payees)])).toBe('bad-blk-sigops')
    const fitting = fitTemplate(template, coinbaseFor(template, payees).room)
    expect(fitting).toMatchObject({ scarce: 'sigops', template: { transactions: { length: 4 } } })
    const fitted = fitting.template ?? template
    expect(await node.rpc.call('submitblock', [blockOn(fitted, payees)])).toBeNull()
    expect(await node.rpc.call('getblockcount')).toBe(template.bitcoinHeight)
  })

  it('a template of full weight makes a valid block, however many the payees', async () => {
    const { node, spend } = await nodeWithCoins(12)
    const plain: TxOutput = { valueSats: 1_000n, script: witnessProgramScript(1, new Uint8Array(32).fill(7)) }
    for (let n = 0; n < 12; n++) await spend(Array<TxOutput>(n < 11 ? 2_000 : 1_180).fill(plain))
    const template = await getTemplate(node.rpc, { chain: 'regtest' })
    expect(template.transactions.reduce((sum, { weight }) => sum + weight, 0)).toBeGreaterThan(3_980_000)

    const payees = p2tr(500)
    expect(await node.rpc.call('submitblock', [blockOn(template, payees)])).toMatch(/^bad-blk-(weight|length)$/)
    const fitting = fitTemplate(template, coinbaseFor(template, payees).room)
    expect(fitting).toMatchObject({ scarce: 'weight', template: { transactions: { length: 11 } } })
    const fitted = fitting.template ?? template
    expect(await node.rpc.call('submitblock', [blockOn(fitted, payees)])).toBeNull()
    expect(await node.rpc.call('getblockcount')).toBe(template.bitcoinHeight)
  })
})
