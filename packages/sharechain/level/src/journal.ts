import { ByteReader, ByteWriter, CodecError } from '@p2poolv2/primitives'
import { journalKey, journalStartKey, type StoredRow } from '@p2poolv2/sharechain'
import type { Level } from 'level'

/** Deltas of which it is known that they were written: more than a log of LevelDB holds, 4 MiB, at the size of real ones. */
export const JOURNAL_DELTAS = 8_192

/** The row by which a delta is known to have been written; the oldest of the ring gives its place. */
export function journalRow(sequence: number): StoredRow {
  return { key: journalKey(sequence % JOURNAL_DELTAS), value: encode(sequence) }
}

/** From this delta on every one has its row. */
export function journalStartRow(sequence: number): StoredRow {
  return { key: journalStartKey(), value: encode(sequence) }
}

/**
 * How many of the newest deltas are missing between others: LevelDB reads on behind a damaged part of its log.
 * @param sequence of the newest delta
 * @returns null when its rows cannot tell: the store was last written by a version that wrote none
 */
export async function missingDeltas(database: Level<Uint8Array, Uint8Array>, sequence: number): Promise<number | null> {
  const from = decode(await database.get(journalStartKey()))
  if (from === null || decode(await database.get(journalKey(sequence % JOURNAL_DELTAS))) !== sequence) return null
  let missing = 0
  const first = Math.max(from, sequence - JOURNAL_DELTAS + 1)
  for (let at = first; at <= sequence; at += 512) {
    const asked = Array.from({ length: Math.min(512, sequence - at + 1) }, (_, offset) => at + offset)
    const values = await database.getMany(asked.map(number => journalKey(number % JOURNAL_DELTAS)))
    missing += asked.filter((number, index) => decode(values[index]) !== number).length
  }
  return missing
}

function encode(sequence: number): Uint8Array {
  return new ByteWriter().u64(BigInt(sequence)).finish()
}

function decode(value: Uint8Array | undefined): number | null {
  if (value === undefined) return null
  try {
    return Number(new ByteReader(value).u64())
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
