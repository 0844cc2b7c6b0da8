import type { ChainParams, ChainVerdict, ChainView, HeaderItem, ShareFacts } from '@p2poolv2/consensus'
import { checkHeader, requiredBits, verifyCoinbaseProof } from '@p2poolv2/consensus'
import type { Height, ShareHash, Work } from '@p2poolv2/primitives'
import { workFromBits } from '@p2poolv2/primitives'
import { ACCEPTED } from '../contract.ts'
import type { HeaderIndex } from '../tree/header-index.ts'

/** A header's place, known before it is inserted. */
type Staged = Pick<ShareFacts, 'height' | 'timeSec' | 'chainWork'>

/**
 * Judges a batch of headers as a whole (protocol §12.3): accepted means every header may enter the index in this order.
 * Nothing is changed. `waiting` names parents or uncles that are neither here nor in the batch so far: ask deeper.
 * @param candidateWork work of the candidate tip
 */
export function checkBatch(
  params: ChainParams,
  index: HeaderIndex,
  batch: { readonly items: readonly HeaderItem[]; readonly candidateWork: Work }
): ChainVerdict {
  const { items } = batch
  const missing = missingAnchors(index, items)
  if (missing.length > 0) return { type: 'waiting', missing }

  const staged = new Map<ShareHash, Staged>()
  const perHeight = new Map<Height, { all: number; fresh: number }>()
  let heaviest = 0n
  for (const { header, merkleBranch, hash } of items) {
    if (staged.has(hash)) continue
    const gate = checkHeader(params, header)
    if (!gate.ok) return { type: 'refused', code: gate.code, facts: gate.facts }
    const proof = verifyCoinbaseProof(header, merkleBranch)
    if (!proof.ok) return { type: 'refused', code: proof.code, facts: proof.facts }

    const parent = staged.get(header.prevShareHash) ?? (index as ChainView).facts(header.prevShareHash)
    if (parent === undefined) return { type: 'waiting', missing: [header.prevShareHash] }
    const height = parent.height + 1
    if (height < index.lowestHeight) return belowKept(index, height)
    const required = requiredBits(params, parent.timeSec, parent.height)
    if (header.bits !== required) {
      return { type: 'refused', code: 'share-bits', facts: { bits: header.bits, requiredBits: required } }
    }

    const place = { height, timeSec: header.timeSec, chainWork: parent.chainWork + index.workOf(header.bits) }
    staged.set(hash, place)
    if (place.chainWork > heaviest) heaviest = place.chainWork
    const count = perHeight.get(height) ?? { all: 0, fresh: 0 }
    count.all++
    if (!index.has(hash)) count.fresh++
    perHeight.set(height, count)
    if (count.all > params.maxSharesPerHeight) return crowded(height, count.all)
  }

  const unknown = items.flatMap(({ header }) => header.uncles.filter(uncle => !staged.has(uncle) && !index.has(uncle)))
  if (unknown.length > 0) return { type: 'waiting', missing: [...new Set(unknown)] }
  if (items.length > 0 && heaviest < workFromBits(params.maxTargetBits)) {
    return { type: 'refused', code: 'batch-work', facts: { batchWork: heaviest } }
  }
  // A height full of shares stays full, unless this batch is the heaviest branch there is.
  if (heaviest <= batch.candidateWork) {
    for (const [height, { fresh }] of perHeight) {
      const known = fresh === 0 ? 0 : index.slotsAtHeight(height).length
      if (known + fresh > params.maxSharesPerHeight) return crowded(height, known + fresh)
    }
  }
  return ACCEPTED
}

/**
 * The answer to a share below the lowest height kept. Only a child of the genesis, which is never pruned, can come so far:
 * taken up, it would hang below everything, belong to no chain that can be compared and not be readable from the store.
 */
export function belowKept(index: HeaderIndex, height: Height): ChainVerdict {
  return { type: 'refused', code: 'share-ancestors-gone', facts: { height, keptFromHeight: index.lowestHeight } }
}

function missingAnchors(index: HeaderIndex, items: readonly HeaderItem[]): ShareHash[] {
  const inside = new Set(items.map(item => item.hash))
  const anchors = new Set(items.map(item => item.header.prevShareHash))
  return [...anchors].filter(anchor => !inside.has(anchor) && !index.has(anchor))
}

function crowded(height: Height, shares: number): ChainVerdict {
  return { type: 'refused', code: 'height-crowded', facts: { height, shares } }
}
