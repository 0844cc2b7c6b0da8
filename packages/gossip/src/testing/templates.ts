import { type BlockTemplate, merkleBranchOf, type TemplateTransaction, VERSION_ROLLING_MASK } from '@p2poolv2/bitcoin'
import { blockHash, bytesToHex, type CompactBits, sha256d, targetFromBits, wireFromDisplay } from '@p2poolv2/primitives'

/** Bytes of a small old-form transaction with one input and one output; `number` makes it one of its own. */
export function transactionBytes(number: number, scriptBytes = 1): Uint8Array {
  const bytes = new Uint8Array(4 + 1 + 41 + 1 + 9 + scriptBytes + 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 2, true)
  bytes[4] = 1
  view.setUint32(5, number + 1, true)
  bytes[46] = 1
  view.setUint32(47, 1_000 + number, true)
  bytes[55] = scriptBytes
  return bytes
}

export function templateTransaction(number: number, scriptBytes = 1): TemplateTransaction {
  const bytes = transactionBytes(number, scriptBytes)
  const txidWire = sha256d(bytes)
  return { txidWire, wtxidWire: txidWire, dataHex: bytesToHex(bytes), weight: bytes.length * 4 }
}

/** A template whose transactions have no witnesses, and which therefore needs no witness commitment. */
export function blockTemplate(options: {
  readonly transactions: readonly TemplateTransaction[]
  readonly bitcoinHeight?: number
  readonly prevHash?: string
  readonly bits?: CompactBits
}): BlockTemplate {
  const prevHash = blockHash(options.prevHash ?? '07'.repeat(32))
  const bits = options.bits ?? 0x1f00ffff
  return {
    bitcoinHeight: options.bitcoinHeight ?? 100,
    version: 0x2000_0000 & ~VERSION_ROLLING_MASK,
    prevHash,
    prevHashWire: wireFromDisplay(prevHash),
    bits,
    bitcoinTarget: targetFromBits(bits),
    curTimeSec: 1_700_000_000,
    minTimeSec: 1_600_000_000,
    coinbaseValueSats: 5_000_000_000n,
    witnessCommitmentScript: null,
    auxFlags: new Uint8Array(0),
    transactions: options.transactions,
    merkleBranch: merkleBranchOf(options.transactions.map(transaction => transaction.txidWire)),
    longPollId: null,
    signetChallenge: null
  }
}
