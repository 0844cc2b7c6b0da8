import type { ChainParams, ChainVerdict, HeaderItem, RuleCode, ShareFacts } from '@p2poolv2/consensus'
import { checkHeader, MAX_BATCH_HEADERS_PER_HEIGHT, verifyCoinbaseProof } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import { workFromBits } from '@p2poolv2/primitives'
import { ACCEPTED } from '../contract.ts'
import { type HeaderIndex, NO_SLOT } from '../tree/header-index.ts'
import { type Doorway, judgePlace } from './door.ts'

/** A header that may enter the tree; with a code it comes in as invalid by that rule, for others name it as an uncle. */
export interface Entrant {
  readonly item: HeaderItem
  readonly code: RuleCode | null
}

/** A header's place, known before it is inserted, and why nothing may be built on it. */
interface Staged extends Entrant {
  readonly facts: ShareFacts
}

export interface BatchJudgement {
  readonly verdict: ChainVerdict
  /** In the order given; only with an accepted batch. */
  readonly entrants: readonly Entrant[]
}

/**
 * Judges a batch of headers as a whole (protocol §12.3). Nothing is changed. What is wrong about a header for everybody refuses the
 * batch; what an honest node may still serve, because it has not judged it or its clock is another, is left out with
 * everything built on it, unless a header that may enter names it as an uncle. `waiting` names parents or uncles that are
 * neither here nor in the batch so far: ask deeper.
 */
export function checkBatch(
  params: ChainParams,
  index: HeaderIndex,
  batch: { readonly items: readonly HeaderItem[]; readonly nowSec: number }
): BatchJudgement {
  const { items, nowSec } = batch
  const missing = missingAnchors(index, items)
  if (missing.length > 0) return without({ type: 'waiting', missing })

  const staged = new Map<ShareHash, Staged>()
  const facts = (hash: ShareHash) => staged.get(hash)?.facts ?? index.facts(hash)
  const doorway: Doorway = {
    params,
    view: { facts },
    verdictOf: hash => staged.get(hash)?.code ?? verdictIn(index, hash),
    lowestHeight: index.lowestHeight,
    nowSec
  }
  const perHeight = new Map<Height, number>()
  for (const item of items) {
    const { header, merkleBranch, hash } = item
    if (staged.has(hash)) continue
    const gate = checkHeader(params, header)
    if (!gate.ok) return without({ type: 'refused', code: gate.code, facts: gate.facts })
    const proof = verifyCoinbaseProof(header, merkleBranch)
    if (!proof.ok) return without({ type: 'refused', code: proof.code, facts: proof.facts })

    const parent = facts(header.prevShareHash)
    if (parent === undefined) return without({ type: 'waiting', missing: [header.prevShareHash] })
    const known = index.facts(hash)
    const place =
      known === undefined ? judgePlace(header, parent, doorway) : { type: 'open' as const, height: known.height }
    if (place.type === 'refused') return without(place.verdict)
    const { height } = place
    const shares = (perHeight.get(height) ?? 0) + 1
    perHeight.set(height, shares)
    if (shares > MAX_BATCH_HEADERS_PER_HEIGHT) {
      return without({ type: 'refused', code: 'height-crowded', facts: { height, shares } })
    }
    if (known === undefined) staged.set(hash, stage(item, parent, place.type === 'aside' ? place.code : null, index))
  }
  return entering(params, index, [...staged.values()])
}

/** Leaves out what nobody may build on and nobody names, and asks for uncles of the rest. */
function entering(params: ChainParams, index: HeaderIndex, staged: readonly Staged[]): BatchJudgement {
  const asides = new Map(staged.filter(({ code }) => code !== null).map(aside => [aside.item.hash, aside]))
  const open = staged.filter(({ code }) => code === null)
  const needed = new Set<ShareHash>()
  const asking = [...open]
  for (const { item, code } of asking) {
    const { prevShareHash, uncles } = item.header
    for (const hash of code === null ? uncles : [prevShareHash, ...uncles]) {
      const aside = asides.get(hash)
      if (aside === undefined || needed.has(hash)) continue
      needed.add(hash)
      asking.push(aside)
    }
  }
  const entrants = staged.filter(({ item, code }) => code === null || needed.has(item.hash))
  const inside = new Set(entrants.map(({ item }) => item.hash))
  const unknown = entrants.flatMap(({ item }) =>
    item.header.uncles.filter(hash => !inside.has(hash) && !index.has(hash))
  )
  if (unknown.length > 0) return without({ type: 'waiting', missing: [...new Set(unknown)] })

  const leastWork = workFromBits(params.maxTargetBits)
  if (open.length > 0 && open.every(({ facts }) => facts.chainWork < leastWork)) {
    return without({ type: 'refused', code: 'batch-work', facts: { leastWork } })
  }
  return { verdict: ACCEPTED, entrants }
}

function stage(item: HeaderItem, parent: ShareFacts, code: RuleCode | null, index: HeaderIndex): Staged {
  const { header, hash } = item
  const facts: ShareFacts = {
    hash,
    prevHash: header.prevShareHash,
    height: parent.height + 1,
    bits: header.bits,
    timeSec: header.timeSec,
    uncles: header.uncles,
    minerAddress: header.minerBitcoinAddress.text,
    chainWork: parent.chainWork + index.workOf(header.bits),
    validity: code === null ? 'headerValid' : 'invalid',
    hasBody: false
  }
  return { item, code, facts }
}

function verdictIn(index: HeaderIndex, hash: ShareHash): RuleCode | null {
  const slot = index.slotOf(hash)
  return slot === NO_SLOT ? null : index.verdict(slot)
}

function missingAnchors(index: HeaderIndex, items: readonly HeaderItem[]): ShareHash[] {
  const inside = new Set(items.map(item => item.hash))
  const anchors = new Set(items.map(item => item.header.prevShareHash))
  return [...anchors].filter(anchor => !inside.has(anchor) && !index.has(anchor))
}

function without(verdict: ChainVerdict): BatchJudgement {
  return { verdict, entrants: [] }
}
