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

/** One of ours as the walk meets it. */
interface FoundShare extends Pick<OwnShare, 'address' | 'kind' | 'weight' | 'sharesAbove'> {
  readonly slot: number
  readonly weightAbove: bigint
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
 * Cost: O(window); a full one takes some 25 ms beside what the source takes, so ask once a share and keep the answer.
 * @returns null if the walk needs a share that is no longer held
 */
export function windowView(params: ChainParams, source: DatedWindowSource, input: WindowViewInput): WindowView | null {
  const fullWeight = windowThreshold(params, input.bitcoinBits)
  const weightsOf = rememberWeights(params)
  const ownAddress = ownMiners(source, input.ours)
  const found: FoundShare[] = []
  let [totalWeight, uncles, shares] = [0n, 0, 0]
  for (let slot = input.anchorSlot; ; slot = source.prevSlot(slot)) {
    if (slot === -1) return null
    const weightAbove = totalWeight
    let weight = weightsOf(source.bits(slot)).main
    totalWeight += weight
    const named = source.uncleSlots(slot)
    for (const uncle of named) {
      if (uncle === -1) return null
      const ofUncle = weightsOf(source.bits(uncle))
      weight += ofUncle.nephew
      totalWeight += ofUncle.nephew + ofUncle.uncle
    }
    const address = ownAddress(source.miner(slot))
    if (address !== null) found.push({ slot, address, kind: 'share', weight, sharesAbove: shares, weightAbove })
    for (const uncle of named) {
      const ofUncle = ownAddress(source.miner(uncle))
      if (ofUncle === null) continue
      const { uncle: weight } = weightsOf(source.bits(uncle))
      found.push({ slot: uncle, address: ofUncle, kind: 'uncle', weight, sharesAbove: shares, weightAbove })
    }
    uncles += named.length
    shares += 1
    if (totalWeight >= fullWeight || shares === params.windowMaxShares || source.isGenesis(slot)) break
  }
  const nextWeight = weightsOf(input.shareBits).main
  const withEnd = ({ slot, weightAbove, ...share }: FoundShare): OwnShare => {
    const byCount = params.windowMaxShares - share.sharesAbove
    const missing = fullWeight - weightAbove
    const byWeight = nextWeight === 0n ? byCount : Number((missing + nextWeight - 1n) / nextWeight)
    return {
      ...share,
      shareHash: source.hash(slot),
      timeSec: source.timeSec(slot),
      sharesUntilGone: Math.max(1, Math.min(byCount, byWeight))
    }
  }
  const [newest] = found
  const oldest = found.at(-1)
  return {
    shares,
    uncles,
    totalWeight,
    fullWeight,
    ownWeight: found.reduce((sum, { weight }) => sum + weight, 0n),
    ownShares: found.filter(({ kind }) => kind === 'share').length,
    ownUncles: found.filter(({ kind }) => kind === 'uncle').length,
    listed: found.slice(0, MAX_LISTED_SHARES).map(withEnd),
    oldest: oldest === undefined ? null : withEnd(oldest),
    newest: newest === undefined ? null : withEnd(newest),
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

/** What a share of some target brings: to its maker, as an uncle to its maker, and to the one who names it. */
interface Weights {
  readonly main: bigint
  readonly uncle: bigint
  readonly nephew: bigint
}

/** A window has few different targets, and dividing big integers would be most of the walk. */
function rememberWeights(params: ChainParams): (bits: CompactBits) => Weights {
  const known = new Map<CompactBits, Weights>()
  return bits => {
    const before = known.get(bits)
    if (before !== undefined) return before
    const difficulty = integerDifficulty(params, bits)
    const weights = {
      main: params.mainWeight * difficulty,
      uncle: params.uncleWeight * difficulty,
      nephew: params.nephewWeight * difficulty
    }
    known.set(bits, weights)
    return weights
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
