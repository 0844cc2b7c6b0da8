import type { SteadyMs } from '@p2poolv2/primitives'
import { mostOfOne } from './address-book.ts'
import type { Connection } from './connections.ts'

/** Inbound peers that stand longest are not closed for a newcomer: they were good before an attack began. */
const LONGEST_KEPT = 8
/** Nor are those that brought something of worth last: it takes work to be among them. */
const USEFUL_KEPT = 8
/** Nor is the oldest of so many groups: who owns one part of the internet cannot crowd out the others. */
const GROUPS_KEPT = 8

/**
 * Which inbound peer gives way to one that comes when all places are taken: one that follows other rules; else of those that nothing protects, the youngest of the
 * group with the most.
 * @param inbound connected ones, in order of connection
 * @param newcomer group of who comes; null if the operator wants it
 * @returns null: nobody; the newcomer is one too many, as is one whose own group is the largest already
 */
export function chooseEvicted(
  inbound: readonly Connection[],
  newcomer: string | null,
  isWanted: (connection: Connection) => boolean
): Connection | null {
  const candidates = new Set(inbound.filter(connection => !isWanted(connection)))
  const strange = [...candidates].filter(({ hasOtherRules }) => hasOtherRules).at(-1)
  if (strange !== undefined) return strange
  const protect = (some: readonly Connection[], count: number): void => {
    for (const connection of some.slice(0, count)) candidates.delete(connection)
  }
  protect([...candidates], LONGEST_KEPT)
  const useful = [...candidates].filter(({ usefulAtMs }) => usefulAtMs !== null)
  protect(
    useful.sort((a, b) => (b.usefulAtMs ?? 0) - (a.usefulAtMs ?? 0)),
    USEFUL_KEPT
  )
  protect(oldestOfGroups([...candidates]), GROUPS_KEPT)
  const crowd = mostOfOne([...candidates], connection => connection.group)
  const sizeOf = (group: string): number => inbound.filter(connection => connection.group === group).length
  const group = crowd[0]?.group
  if (group === undefined) return null
  if (newcomer !== null && sizeOf(newcomer) > 1 && sizeOf(newcomer) >= sizeOf(group)) return null
  return crowd.at(-1) ?? null
}

/** The oldest of each group, the groups in order of age. */
function oldestOfGroups(some: readonly Connection[]): readonly Connection[] {
  const oldest = new Map<string, Connection>()
  for (const connection of some) if (!oldest.has(connection.group)) oldest.set(connection.group, connection)
  return [...oldest.values()]
}

/** Whether a connection has stood long enough to count as one that worked. */
const STOOD_MS = 60_000

export function hasStood(connection: Connection, nowMs: SteadyMs): boolean {
  return nowMs - connection.connectedAtMs >= STOOD_MS
}
