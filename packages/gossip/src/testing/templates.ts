import {
  type BlockTemplate,
  merkleBranchOf,
  type TemplateTransaction,
  VERSION_ROLLING_MASK,
  witnessCommitmentScriptOf
} from '@p2poolv2/bitcoin'
import {
  blockHash,
  bytesEqual,
  bytesToHex,
  type CompactBits,
  concatBytes,
  sha256d,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'

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

/** The same with a witness of one byte: transactions that differ in it have one txid and two wtxids. */
export function witnessTransaction(number: number, witness: number): TemplateTransaction {
  const stripped = transactionBytes(number)
  const marker = new Uint8Array([0, 1])
  const bytes = concatBytes(
    stripped.subarray(0, 4),
    marker,
    stripped.subarray(4, -4),
    new Uint8Array([1, 1, witness]),
    stripped.subarray(-4)
  )
  const weight = stripped.length * 3 + bytes.length
  return { txidWire: sha256d(stripped), wtxidWire: sha256d(bytes), dataHex: bytesToHex(bytes), weight }
}

/** A template with the witness commitment its transactions need. */
export function blockTemplate(options: {
  readonly transactions: readonly TemplateTransaction[]
  readonly bitcoinHeight?: number
  readonly prevHash?: string
  readonly bits?: CompactBits
}): BlockTemplate {
  const prevHash = blockHash(options.prevHash ?? '07'.repeat(32))
  const bits = options.bits ?? 0x1f00ffff
  const hasWitness = options.transactions.some(({ txidWire, wtxidWire }) => !bytesEqual(txidWire, wtxidWire))
  return {
    bitcoinHeight: options.bitcoinHeight ?? 100,
    version: 0x2000_0000 & ~VERSION_ROLLING_MASK,
    prevHash,
    prevHashWire: wireFromDisplay(prevHash),
    bits,
    bitcoinTarget: targetFromBits(bits),
    curTimeSec: 1_700_000_000,
    minTimeSec: 1_600_000_000,
    sigopsCostLimit: 80_000,
    coinbaseValueSats: 5_000_000_000n,
    witnessCommitmentScript: hasWitness ? witnessCommitmentScriptOf(options.transactions) : null,
    auxFlags: new Uint8Array(0),
    transactions: options.transactions,
    merkleBranch: merkleBranchOf(options.transactions.map(transaction => transaction.txidWire)),
    longPollId: null,
    signetChallenge: null
  }
}
