/** The payout window as one miner sees it: which of its shares are there, what they weigh, when they leave. */
import { type ChainParams, integerDifficulty, type WindowSource, windowThreshold } from '@p2poolv2/consensus'
import { type CompactBits, invariant, type ShareHash } from '@p2poolv2/primitives'

/** A source of the payout window that can name its shares and knows when they were made. */
export interface DatedWindowSource extends WindowSource {
  hash(slot: number): ShareHash
  timeSec(slot: number): number
}

export interface OwnShare {
  readonly shareHash: ShareHash
  /** One of ours. */
  readonly address: string
  /** By its maker's clock. */
  readonly timeSec: number
  /** A share of the chain, or an uncle that one of them names. */
  readonly kind: 'share' | 'uncle'
  /** All it brings us: ten, or nine for an uncle, for each unit of difficulty, and one for each of the uncles it names. */
  readonly weight: bigint
  /** Shares of the chain above it, or above the one that names it. */
  readonly sharesAbove: number
  /** How many shares of the chain have to come until it leaves; at least 1. */
  readonly sharesUntilGone: number
}

/** How many pieces the window is cut into to show where our shares stand. */
export const STRIP_SLOTS = 60
/** Own shares given one by one; of more the newest are, and the counts, the strip and the oldest still cover all. */
export const MAX_LISTED_SHARES = 200

export interface WindowView {
  /** Shares of the chain in the window, and the uncles they name. */
  readonly shares: number
  readonly uncles: number
  readonly totalWeight: bigint
  /** The weight at which the window is full. */
  readonly fullWeight: bigint
  readonly ownWeight: bigint
  readonly ownShares: number
  readonly ownUncles: number
  /** Newest first, at most `MAX_LISTED_SHARES`. */
  readonly listed: readonly OwnShare[]
  /** Of all of ours, the one that leaves next and the one that leaves last. */
  readonly oldest: OwnShare | null
  readonly newest: OwnShare | null
  /** Our shares and uncles by place in the window, newest piece first; `STRIP_SLOTS` numbers. */
  readonly strip: readonly number[]
}

export interface WindowViewInput {
  /** The share the next block pays from, inclusive: the mining base. */
  readonly anchorSlot: number
  readonly bitcoinBits: CompactBits
  /** Target of the next share: what later shares are taken to weigh. */
  readonly shareBits: CompactBits
  /** Our payout addresses, as text. */
  readonly ours: ReadonlySet<string>
}

/**
 * Walks the window as protocol §16.1 describes it. A share is in it while less than the threshold lies above it and it is among
 * the `windowMaxShares` newest, so it leaves when either changes; of later shares it is taken that they weigh what the next one
 * does and name no uncles, which makes `sharesUntilGone` an upper bound while difficulty stays.
 * Cost: O(window); some 20 ms for a full one.
 * @returns null if the walk needs a share that is no longer held
 */
export function windowView(params: ChainParams, source: DatedWindowSource, input: WindowViewInput): WindowView | null {
  const fullWeight = windowThreshold(params, input.bitcoinBits)
  const difficultyOf = rememberDifficulties(params)
  const own = ownMiners(source, input.ours)
  const found: Omit<OwnShare, 'sharesUntilGone'>[] = []
  const weightAbove: bigint[] = []
  let [totalWeight, uncles, shares] = [0n, 0, 0]
  for (let slot = input.anchorSlot; ; slot = source.prevSlot(slot)) {
    if (slot === -1) return null
    const above = totalWeight
    const take = (of: number, kind: OwnShare['kind'], weight: bigint): void => {
      const address = own(source.miner(of))
      if (address === null) return
      const timeSec = source.timeSec(of)
      found.push({ shareHash: source.hash(of), address, timeSec, kind, weight, sharesAbove: shares })
      weightAbove.push(above)
    }
    const named = source.uncleSlots(slot)
    let uncleDifficulty = 0n
    for (const uncle of named) {
      if (uncle === -1) return null
      uncleDifficulty += difficultyOf(source.bits(uncle))
    }
    const difficulty = difficultyOf(source.bits(slot))
    take(slot, 'share', params.mainWeight * difficulty + params.nephewWeight * uncleDifficulty)
    for (const uncle of named) take(uncle, 'uncle', params.uncleWeight * difficultyOf(source.bits(uncle)))
    totalWeight += params.mainWeight * difficulty + (params.uncleWeight + params.nephewWeight) * uncleDifficulty
    uncles += named.length
    shares += 1
    if (totalWeight >= fullWeight || shares === params.windowMaxShares || source.isGenesis(slot)) break
  }
  const nextWeight = params.mainWeight * difficultyOf(input.shareBits)
  const withEnd = (share: Omit<OwnShare, 'sharesUntilGone'>, index: number): OwnShare => {
    const byCount = params.windowMaxShares - share.sharesAbove
    const missing = fullWeight - (weightAbove[index] as bigint)
    const byWeight = nextWeight === 0n ? byCount : Number((missing + nextWeight - 1n) / nextWeight)
    return { ...share, sharesUntilGone: Math.max(1, Math.min(byCount, byWeight)) }
  }
  const last = found.length - 1
  return {
    shares,
    uncles,
    totalWeight,
    fullWeight,
    ownWeight: found.reduce((sum, { weight }) => sum + weight, 0n),
    ownShares: found.filter(({ kind }) => kind === 'share').length,
    ownUncles: found.filter(({ kind }) => kind === 'uncle').length,
    listed: found.slice(0, MAX_LISTED_SHARES).map(withEnd),
    oldest: found[last] === undefined ? null : withEnd(found[last], last),
    newest: found[0] === undefined ? null : withEnd(found[0], 0),
    strip: stripOf(found, shares)
  }
}

function stripOf(found: readonly { readonly sharesAbove: number }[], shares: number): number[] {
  const strip = new Array<number>(STRIP_SLOTS).fill(0)
  for (const { sharesAbove } of found) {
    const slot = Math.floor((sharesAbove * STRIP_SLOTS) / shares)
    invariant(slot < STRIP_SLOTS, 'a share of the window has a place in it')
    strip[slot] = (strip[slot] as number) + 1
  }
  return strip
}

/** A window has few different targets, and the division of big integers is most of the walk. */
function rememberDifficulties(params: ChainParams): (bits: CompactBits) => bigint {
  const known = new Map<CompactBits, bigint>()
  return bits => {
    const difficulty = known.get(bits) ?? integerDifficulty(params, bits)
    known.set(bits, difficulty)
    return difficulty
  }
}

/** The address of a miner's number if it is one of ours, else null; each number is looked up once. */
function ownMiners(source: WindowSource, ours: ReadonlySet<string>): (miner: number) => string | null {
  const known = new Map<number, string | null>()
  return miner => {
    const before = known.get(miner)
    if (before !== undefined) return before
    const { text } = source.minerAddress(miner)
    const address = ours.has(text) ? text : null
    known.set(miner, address)
    return address
  }
}
