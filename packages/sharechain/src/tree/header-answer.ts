import type { ChainParams, HeaderQuestion } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { Organiser } from '../chains/organise.ts'
import { compareDigests } from './hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from './header-index.ts'

/** Headers in one answer, rounded up to a whole height (protocol §18.5). */
export const MAX_HEADERS_PER_ANSWER = 900
/** An answer begins this far below what is known in common, so that the asker learns of uncles it may have missed. */
const OVERLAP_HEIGHTS = 2
/**
 * Headers from below the answer's first height at most, so that it fits a message. What an uncle beyond them is built on the
 * asker learns by asking from deeper, as it does whenever something is missing.
 */
const MAX_HEADERS_BELOW = 600
/** Shares at one height that are looked at, the newest first, besides the chain and what it names. */
const MAX_OTHERS_EXAMINED = 64

interface ChainParts {
  readonly index: HeaderIndex
  readonly organiser: Organiser
}

/**
 * The shares whose headers answer a question, in order (protocol §18.5): by height, from two below the last share that the
 * asker's chain and our candidate chain have in common, in whole heights until the stop hash or 900 are reached. Nothing known
 * in common: the genesis alone.
 *
 * The answer is closed: the parent and the uncles of every header are in it or known to whoever named the match, so that it
 * can be taken (protocol §12.3) whatever else is known at a height. Of the shares a height has room for, the candidate chain's comes
 * first, then what candidate shares name as uncles and what those are built on, then others, the heaviest first. Headers of
 * invalid shares are among them only where somebody names them.
 *
 * Within a height the order is by digest, but for the last header, which is the candidate chain's: whoever asks on from
 * there names it.
 *
 * Only what is in memory. Empty when the genesis is all we know in common and what follows it is pruned: the answer is then
 * in the store (`readHeaders` gives the height of a locator's hash, `readConfirmed` the hashes from there on).
 */
export function headerAnswer(params: ChainParams, chain: ChainParts, question: HeaderQuestion): ShareHash[] {
  const { index, organiser } = chain
  const match = question.locator.map(hash => index.slotOf(hash)).find(slot => isMatch(index, slot))
  if (match === undefined) return [index.hash(0)]
  const common = commonHeight(chain, match)
  // A header whose parent is left out would tell the asker nothing.
  if (common === 0 && index.lowestHeight > 1) return []
  const start = Math.max(Math.max(common, OVERLAP_HEIGHTS + 1) - OVERLAP_HEIGHTS, index.lowestHeight)
  const end = Math.min(start + MAX_HEADERS_PER_ANSWER, organiser.candidateHeight)
  const named = namedByChain(params, chain, { common, start, end })
  const answer: Slot[] = [...below(chain, named, start)]
  const inside = new Set(answer)
  for (let height = start; height <= end; height++) {
    const isFirst = height === start
    const shares = atHeight(params, chain, { height, named, inside, isFirst })
    answer.push(...shares)
    for (const slot of shares) inside.add(slot)
    const isLast = height === end || answer.length >= MAX_HEADERS_PER_ANSWER
    if (isLast || shares.some(slot => index.hash(slot) === question.stopHash)) break
  }
  chainLast(chain, answer)
  return answer.map(slot => index.hash(slot))
}

function isMatch(index: HeaderIndex, slot: Slot): boolean {
  return slot !== NO_SLOT && index.validity(slot) !== 'invalid'
}

/** Height of the highest share of the candidate chain that is the match or an ancestor of it; 0 where that is pruned. */
function commonHeight({ index, organiser }: ChainParts, match: Slot): Height {
  let at = match
  while (at !== NO_SLOT && organiser.candidateAt(index.height(at)) !== at) at = index.prevSlot(at)
  return at === NO_SLOT ? 0 : index.height(at)
}

/**
 * What candidate shares above the common height name as uncles, with everything those depend on that is not on the candidate
 * chain itself: parents, and uncles in turn.
 */
function namedByChain(
  params: ChainParams,
  { index, organiser }: ChainParts,
  range: { readonly common: Height; readonly start: Height; readonly end: Height }
): Map<Height, Slot[]> {
  const named = new Map<Height, Slot[]>()
  const seen = new Set<Slot>()
  const last = Math.min(range.end + params.uncleDepth, organiser.candidateHeight)
  for (let height = Math.max(range.common, 1); height <= last; height++) {
    const slot = organiser.candidateAt(height)
    const open = [...index.uncleSlots(slot)]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === NO_SLOT || at === 0 || seen.has(at) || organiser.candidateAt(index.height(at)) === at) continue
      seen.add(at)
      const there = named.get(index.height(at))
      if (there === undefined) named.set(index.height(at), [at])
      else there.push(at)
      open.push(index.prevSlot(at), ...index.uncleSlots(at))
    }
  }
  return named
}

/** What the first heights depend on that lies below them, by rising height. */
function below({ index }: ChainParts, named: ReadonlyMap<Height, readonly Slot[]>, start: Height): Slot[] {
  const slots = [...named].filter(([height]) => height < start).flatMap(([, there]) => there)
  slots.sort((a, b) => index.height(a) - index.height(b) || byDigest(index, a, b))
  return slots.length > MAX_HEADERS_BELOW ? [] : slots
}

function atHeight(
  params: ChainParams,
  { index, organiser }: ChainParts,
  at: { height: Height; named: ReadonlyMap<Height, readonly Slot[]>; inside: ReadonlySet<Slot>; isFirst: boolean }
): Slot[] {
  const { height, inside } = at
  const onChain = organiser.candidateAt(height)
  const named = at.named.get(height) ?? []
  const below = at.isFirst ? organiser.candidateAt(height - 1) : NO_SLOT
  const isKnown = (slot: Slot) => slot !== NO_SLOT && (slot === below || inside.has(slot))
  const isClosed = (slot: Slot) =>
    isKnown(index.prevSlot(slot)) && index.uncleSlots(slot).every(uncle => inside.has(uncle))
  const others = index
    .slotsAtHeight(height, MAX_OTHERS_EXAMINED)
    .filter(slot => slot !== onChain && !named.includes(slot) && isServed(index, slot) && isClosed(slot))
    .sort((a, b) => heaviestFirst(index, a, b))
  // Never without what somebody up to the candidate tip needs: whoever asks could take nothing above it.
  const shares = [onChain, ...named, ...others].slice(0, Math.max(params.maxSharesPerHeight, 1 + named.length))
  return shares.sort((a, b) => byDigest(index, a, b))
}

/** Moves the candidate chain's share of the last height to the end. */
function chainLast({ index, organiser }: ChainParts, answer: Slot[]): void {
  const last = answer.at(-1)
  if (last === undefined) return
  const at = answer.indexOf(organiser.candidateAt(index.height(last)))
  if (at >= 0) answer.push(...answer.splice(at, 1))
}

/** Uncles may be invalid, and the asker can take no nephew without its uncle (protocol §12.3, §13). */
function isServed(index: HeaderIndex, slot: Slot): boolean {
  return index.validity(slot) !== 'invalid' || index.isNeeded(slot)
}

/** What is needed, or was found valid, before what was not. */
function heaviestFirst(index: HeaderIndex, a: Slot, b: Slot): number {
  const rank = (slot: Slot) => (index.isNeeded(slot) ? 2 : 0) + (index.validity(slot) === 'blockValid' ? 1 : 0)
  if (rank(a) !== rank(b)) return rank(b) - rank(a)
  const [workA, workB] = [index.work(a), index.work(b)]
  return workA === workB ? byDigest(index, a, b) : workA > workB ? -1 : 1
}

function byDigest(index: HeaderIndex, a: Slot, b: Slot): number {
  return compareDigests(index.hash(a), index.hash(b))
}
