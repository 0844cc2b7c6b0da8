/** What it costs to spend a payout again. */
import type { Sats } from '@p2poolv2/primitives'

/** The kinds of output a payout address stands for (protocol §2.1). */
export type OutputKind = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr'

/**
 * Virtual bytes of the input that spends an output, with a signature of the largest usual size. Each input has 41 bytes outside
 * the witness (outpoint 36, length 1, sequence 4), which count whole; witness bytes count a quarter (BIP141).
 *
 * - p2pkh: 41 + pushes of a signature (1 + 72) and a key (1 + 33)
 * - p2sh: taken for a wrapped p2wpkh: 41 + 23 and the witness of p2wpkh
 * - p2wpkh: 41 and a witness of 1 + 1 + 72 + 1 + 33
 * - p2wsh: taken for two of three keys: 41 and a witness of 1 + 1 + 2 × (1 + 72) + 1 + 105
 * - p2tr: 41 and a witness of 1 + 1 + 64 (BIP341, by its key)
 */
export const INPUT_VBYTES: Readonly<Record<OutputKind, number>> = {
  p2pkh: 148,
  p2sh: 91,
  p2wpkh: 68,
  p2wsh: 104.5,
  p2tr: 57.5
}

/** @returns null for a script that is none of the kinds */
export function outputKindOf(script: Uint8Array): OutputKind | null {
  const [first, second] = script
  switch (script.length) {
    case 25:
      return first === 0x76 && second === 0xa9 ? 'p2pkh' : null
    case 23:
      return first === 0xa9 && second === 0x14 ? 'p2sh' : null
    case 22:
      return first === 0x00 && second === 0x14 ? 'p2wpkh' : null
    case 34:
      if (second !== 0x20) return null
      return first === 0x00 ? 'p2wsh' : first === 0x51 ? 'p2tr' : null
    default:
      return null
  }
}

export interface SpendCost {
  readonly kind: OutputKind
  readonly inputVbytes: number
  /** Rounded up; for this input alone, without the rest of the transaction. */
  readonly costSats: Sats
  /** Of the payout, from 0; above 1 it costs more than it brings. */
  readonly partOfPayout: number
  /** The fee rate at which spending eats the whole payout. */
  readonly breakEvenSatPerVb: number
}

/**
 * @param payout its value, above 0, and kind
 * @param feeRateSatPerVb what transactions pay now, at least 0
 */
export function spendCost(
  payout: { readonly valueSats: Sats; readonly kind: OutputKind },
  feeRateSatPerVb: number
): SpendCost {
  const inputVbytes = INPUT_VBYTES[payout.kind]
  const cost = inputVbytes * feeRateSatPerVb
  return {
    kind: payout.kind,
    inputVbytes,
    costSats: BigInt(Math.ceil(cost)),
    partOfPayout: cost / Number(payout.valueSats),
    breakEvenSatPerVb: Number(payout.valueSats) / inputVbytes
  }
}
