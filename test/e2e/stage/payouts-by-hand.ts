/**
 * The payout rule of protocol §16 written down a second time, without any of the product's arithmetic, to hold against what
 * a block really pays.
 */

export interface PlainShare {
  readonly prevHash: string
  readonly uncles: readonly string[]
  readonly bits: number
  readonly address: string
  readonly scriptHex: string
}

export interface PlainWindow {
  readonly shareOf: (hash: string) => Promise<PlainShare>
  readonly genesisHash: string
  /** The share that the window ends with. */
  readonly anchor: string
  readonly bitcoinBits: number
  readonly multiplier: bigint
  /** The target of difficulty 1. */
  readonly difficultyOne: bigint
  readonly maxShares: number
}

export interface PlainPayout {
  readonly scriptHex: string
  readonly sats: bigint
}

export interface PlainPayouts {
  /** In the order of the coinbase. */
  readonly payouts: readonly PlainPayout[]
  /** Shares in the window, uncles not counted. */
  readonly windowShares: number
}

export async function payoutsByHand(window: PlainWindow, amountSats: bigint): Promise<PlainPayouts> {
  const difficulty = (bits: number): bigint => window.difficultyOne / targetOf(bits)
  const threshold = 10n * difficulty(window.bitcoinBits) * window.multiplier
  const earned = new Map<string, { weight: bigint; scriptHex: string }>()
  const earn = ({ address, scriptHex }: PlainShare, weight: bigint): void => {
    earned.set(address, { scriptHex, weight: (earned.get(address)?.weight ?? 0n) + weight })
  }
  let reached = 0n
  let hash = window.anchor
  let windowShares = 0
  while (windowShares < window.maxShares) {
    windowShares += 1
    const share = await window.shareOf(hash)
    let ofUncles = 0n
    for (const uncleHash of share.uncles) {
      const uncle = await window.shareOf(uncleHash)
      earn(uncle, 9n * difficulty(uncle.bits))
      ofUncles += difficulty(uncle.bits)
    }
    earn(share, 10n * difficulty(share.bits) + ofUncles)
    reached += 10n * difficulty(share.bits) + 10n * ofUncles
    if (reached >= threshold || hash === window.genesisHash) break
    hash = share.prevHash
  }
  const byAddress = [...earned].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const total = byAddress.reduce((sum, [, { weight }]) => sum + weight, 0n)
  const payouts = byAddress.map(([, { weight, scriptHex }]) => ({ scriptHex, sats: (amountSats * weight) / total }))
  const last = payouts.pop()
  if (last === undefined) throw new Error('a window is never empty')
  const paid = payouts.reduce((sum, { sats }) => sum + sats, 0n)
  return { payouts: [...payouts, { scriptHex: last.scriptHex, sats: amountSats - paid }], windowShares }
}

/** Bitcoin's compact form, for targets that need no shift to the right. */
function targetOf(bits: number): bigint {
  return BigInt(bits & 0x7fffff) << BigInt(8 * ((bits >>> 24) - 3))
}
