import { CodecError } from '@p2poolv2/primitives'
import {
  encodeIdentity,
  identityKey,
  LAYOUT_STEPS,
  type LayoutStep,
  layoutSteps,
  type StoreIdentity
} from '@p2poolv2/sharechain'
import type { Database } from './database.ts'
import { syncLogs } from './sync-logs.ts'

/** How far a store is on its way to another layout. */
export interface LayoutProgress {
  readonly from: number
  readonly to: number
  /** Records of this step written so far. */
  readonly done: number
  /** Damaged records, which had no counterpart in the new layout. */
  readonly unreadable: number
}

const BATCH_ROWS = 1_024

/**
 * Brings a store to another layout, newer or older, one step at a time. The new rows are written beside the old ones, then the identity says
 * the new layout, in one write that is on the platter, and then the old rows go. Ended anywhere it leaves a store of the old layout
 * or of the new one with all that was in it: what was half written is begun anew.
 * @param identity as it is stored
 * @yields after everything that is on the platter then
 */
export async function* changeLayout(
  database: Database,
  place: { readonly directory: string; readonly identity: StoreIdentity },
  wanted: number
): AsyncGenerator<LayoutProgress> {
  const { directory, identity } = place
  const isUp = wanted > identity.schemaVersion
  for (const step of layoutSteps(identity.schemaVersion, wanted)) {
    const [from, to] = isUp ? [step.from, step.to] : [step.to, step.from]
    const { source, target, convert } = direction(step, isUp ? 'up' : 'down')
    let [done, unreadable] = [0, 0]
    await database.clear(target)
    const rows = database.iterator(source)
    try {
      for (;;) {
        const read = await rows.nextv(BATCH_ROWS)
        if (read.length === 0) break
        const writes = read.flatMap(([key, value]) => {
          const row = converted(() => convert({ key, value }))
          return row === null ? [] : [{ type: 'put' as const, ...row }]
        })
        await database.batch(writes)
        done += writes.length
        unreadable += read.length - writes.length
        yield { from, to, done, unreadable }
      }
    } finally {
      await rows.close()
    }
    // The identity may be in a log of LevelDB's that is newer than that of the rows.
    await syncLogs(directory)
    await database.put(identityKey(), encodeIdentity({ ...identity, schemaVersion: to }), { sync: true })
    yield { from, to, done, unreadable }
    await database.clear(source)
    yield { from, to, done, unreadable }
  }
}

/** Removes what a change to this layout had no time to remove before it was cut short: rows that belong to others. */
export async function clearOtherRows(database: Database, layout: number): Promise<void> {
  for (const { to, fromPrefix, toPrefix } of LAYOUT_STEPS) {
    await database.clear(rangeOf(layout >= to ? fromPrefix : toPrefix))
  }
}

function direction(step: LayoutStep, way: 'up' | 'down') {
  const [low, high] = [rangeOf(step.fromPrefix), rangeOf(step.toPrefix)]
  return way === 'up'
    ? { source: low, target: high, convert: step.up }
    : { source: high, target: low, convert: step.down }
}

function rangeOf(prefix: number): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  return { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) }
}

function converted<T>(convert: () => T): T | null {
  try {
    return convert()
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
