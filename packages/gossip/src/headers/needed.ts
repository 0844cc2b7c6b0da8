import type { HeaderItem, HeaderTail } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'

/**
 * Of an answer the headers wanted and whatever of it these need: what they are built on and what they name as uncles, which may
 * part from far below.
 */
export function neededBy(items: readonly HeaderItem[], wanted: Iterable<HeaderItem>): ReadonlySet<ShareHash> {
  const inside = new Map(items.map(item => [item.hash, item]))
  const needed = new Set<ShareHash>()
  const open = [...wanted]
  for (const { hash, header } of open) {
    if (needed.has(hash)) continue
    needed.add(hash)
    for (const other of [header.prevShareHash, ...header.uncles]) {
      const item = inside.get(other)
      if (item !== undefined) open.push(item)
    }
  }
  return needed
}

/**
 * Of an answer what leads to one of its headers, and at the top of the tail what else is built on that. The work of a chain is
 * shown for itself, not for branches beside it that cost next to nothing.
 */
export function leadingTo(
  items: readonly HeaderItem[],
  hash: ShareHash,
  tail: HeaderTail | null
): readonly HeaderItem[] {
  const kept = new Set(
    neededBy(
      items,
      items.filter(item => item.hash === hash)
    )
  )
  // Parents come before their children.
  for (const item of items)
    if (tail?.facts.has(item.hash) === true && kept.has(item.header.prevShareHash)) kept.add(item.hash)
  return items.filter(item => kept.has(item.hash))
}
