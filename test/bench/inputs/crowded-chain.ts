import { addressFromScript, witnessProgramScript } from '@p2poolv2/bitcoin'
import type { RealBitcoind } from '@p2poolv2/bitcoind/testing'
import { bytesToHex, hexToBytes, sha256 } from '@p2poolv2/primitives'

/** Blocks until a coinbase may be spent. */
const MATURITY = 100
const MAX_TRIES = 2_000_000_000
/** What anybody may spend: a witness script that is true. */
const ANYONE = Uint8Array.of(0x51)
const PROGRAM = witnessProgramScript(0, sha256(ANYONE))
const FEE_SATS = 1_000n
/** So many bytes of nothing make a transaction as long as most are. */
const FILLING_BYTES = 73

/**
 * Fills the mempool of a fresh node with transactions of 225 bytes, one input each, so that its templates are like those of a busy
 * chain. Mines some hundred blocks: on a signet that takes minutes.
 */
export async function crowd(bitcoind: RealBitcoind, chain: 'regtest' | 'signet', transactions: number): Promise<void> {
  const { rpc } = bitcoind
  const address = addressFromScript(PROGRAM, chain === 'signet' ? 'test' : 'regtest')
  const mine = async (blocks: number): Promise<string> =>
    ((await rpc.call('generatetoaddress', [blocks, address, MAX_TRIES])) as string[])[0] ?? ''
  const first = await mine(1)
  for (let block = 0; block < MATURITY; block++) await mine(1)
  const { tx } = (await rpc.call('getblock', [first, 2])) as { tx: { txid: string; vout: { value: number }[] }[] }
  const coinbase = tx[0]
  if (coinbase === undefined) throw new Error('a block has a coinbase')
  const valueSats = BigInt(Math.round((coinbase.vout[0]?.value ?? 0) * 1e8))
  // A transaction of this many outputs is within what nodes relay.
  const each = (valueSats - 100n * FEE_SATS * BigInt(transactions)) / BigInt(transactions)
  const fan = transaction({ txid: coinbase.txid, index: 0 }, new Array(transactions).fill(output(each, PROGRAM)))
  const fanTxid = (await rpc.call('sendrawtransaction', [fan.hex, 0])) as string
  await mine(1)
  for (let index = 0; index < transactions; index++) {
    const filling = new Uint8Array(2 + FILLING_BYTES).fill(0x20)
    filling.set([0x6a, FILLING_BYTES])
    const outputs = [output(each - FEE_SATS, PROGRAM), output(0n, filling)]
    await rpc.call('sendrawtransaction', [transaction({ txid: fanTxid, index }, outputs).hex])
  }
}

function transaction({ txid, index }: { txid: string; index: number }, outputs: readonly string[]): { hex: string } {
  const count = outputs.length < 0xfd ? u8(outputs.length) : `fd${leHex(BigInt(outputs.length), 2)}`
  const input = `${reversed(txid)}${leHex(BigInt(index), 4)}00fdffffff`
  const witness = `01${u8(ANYONE.length)}${bytesToHex(ANYONE)}`
  return { hex: `02000000000101${input}${count}${outputs.join('')}${witness}00000000` }
}

function output(valueSats: bigint, script: Uint8Array): string {
  return `${leHex(valueSats, 8)}${u8(script.length)}${bytesToHex(script)}`
}

function u8(value: number): string {
  return value.toString(16).padStart(2, '0')
}

function leHex(value: bigint, bytes: number): string {
  return reversed(value.toString(16).padStart(2 * bytes, '0'))
}

function reversed(hex: string): string {
  return bytesToHex(hexToBytes(hex).reverse())
}
