/** The work of the whole pool in the last while, read off the share chain. */
import type { WindowSource } from '@p2poolv2/consensus'
import { type CompactBits, workFromBits } from '@p2poolv2/primitives'
import type { Finds } from '../chance/measured-rate.ts'
import type { DatedWindowSource } from './window-view.ts'

export interface WorkSince {
  /** Shares and the uncles they name, dated after the beginning. */
  readonly finds: Finds
  /** Where the walk began to count: what was asked for, or the oldest share reached if the chain or the limit ends before. */
  readonly fromSec: number
}

/**
 * Walks from a share back to a time. Divided by the time until now it is the pool's hash rate (`measuredHashrate`); divided by the work
 * of a block it is how many blocks were to be expected. Times are of the shares' makers: each is a little off, their number hardly.
 * @param limit shares walked at most; below 1 none are
 */
export function workSince(
  source: DatedWindowSource,
  { anchorSlot, sinceSec, limit }: { readonly anchorSlot: number; readonly sinceSec: number; readonly limit: number }
): WorkSince {
  const workOf = rememberWork()
  let [count, workHashes, fromSec] = [0, 0, source.timeSec(anchorSlot)]
  let slot = anchorSlot
  for (let walked = 0; walked < limit; walked++) {
    if (slot === -1) return { finds: { count, workHashes }, fromSec }
    const timeSec = source.timeSec(slot)
    if (timeSec <= sinceSec) return { finds: { count, workHashes }, fromSec: sinceSec }
    fromSec = Math.min(fromSec, timeSec)
    // Nobody worked on the genesis while the chain ran.
    if (source.isGenesis(slot)) break
    count += 1
    workHashes += workOf(source.bits(slot))
    for (const uncle of heldUncles(source, slot)) {
      count += 1
      workHashes += workOf(source.bits(uncle))
    }
    slot = source.prevSlot(slot)
  }
  return { finds: { count, workHashes }, fromSec }
}

function heldUncles(source: WindowSource, slot: number): readonly number[] {
  const uncles = source.uncleSlots(slot)
  return uncles.includes(-1) ? uncles.filter(uncle => uncle !== -1) : uncles
}

function rememberWork(): (bits: CompactBits) => number {
  const known = new Map<CompactBits, number>()
  return bits => {
    const work = known.get(bits) ?? Number(workFromBits(bits))
    known.set(bits, work)
    return work
  }
}
