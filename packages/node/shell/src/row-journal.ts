import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** A change of rows by key; null is gone. */
export type RowChanges = Iterable<readonly [string, string | null]>

interface Entry {
  readonly sequence: number
  readonly changes: readonly (readonly [string, string | null])[]
}

const FILES = ['journal-a', 'journal-b'] as const
/** A file that has grown to this is left for the other one, and emptied when the database has what is in it. */
const LONG_BYTES = 1_048_576
const LINE = /^([0-9a-f]{8}) (\d{1,15}) (.+)$/

/**
 * What is on its way into a database, handed to the system by plain writes that have happened when they return: it is there again after
 * this process was killed, however far the database had come. Each entry is a line: CRC-32 of the rest, its number, its changes
 * as JSON. A power cut may take the end of it; what is cut or damaged is left out, with all after it in its file.
 *
 * Two files take turns, so that one can be emptied while entries are being made. Each is some `LONG_BYTES` and what comes during one write
 * of the database.
 */
export class RowJournal {
  readonly #descriptors: readonly number[]
  #current = 0
  #bytes = 0
  #sequence: number
  /** The database is being given what is in the other file as well. */
  #isLeaving = false

  private constructor(descriptors: readonly number[], sequence: number) {
    this.#descriptors = descriptors
    this.#sequence = sequence
  }

  /**
   * Opens or makes the journal of a directory.
   * @param writtenSequence the last entry that the database has; entries up to it may be forgotten
   * @returns `entries` after it, in their order: they are to be written, and then `empty` is to be called
   * @throws what the system says
   */
  static open(
    directory: string,
    writtenSequence: number
  ): { readonly journal: RowJournal; readonly entries: readonly Entry[] } {
    const files = FILES.map(name => join(directory, name))
    const descriptors = files.map(file => openSync(file, 'a'))
    const entries = files
      .flatMap(entriesOf)
      .filter(({ sequence }) => sequence > writtenSequence)
      .sort((a, b) => a.sequence - b.sequence)
    return { journal: new RowJournal(descriptors, entries.at(-1)?.sequence ?? writtenSequence), entries }
  }

  /** The last entry's number. */
  get sequence(): number {
    return this.#sequence
  }

  /** @throws what the system says; then nothing is known of what was to be kept */
  append(changes: RowChanges): void {
    const rest = `${++this.#sequence} ${JSON.stringify([...changes])}`
    const line = Buffer.from(`${checksum(rest)} ${rest}\n`)
    // A short write is an error of the disk, which the next one tells.
    for (let at = 0; at < line.length; ) at += writeSync(this.#descriptor, line, at)
    this.#bytes += line.length
  }

  /** The database is about to be given all that was appended. */
  writing(): void {
    if (this.#bytes < LONG_BYTES) return
    this.#current = 1 - this.#current
    this.#bytes = 0
    this.#isLeaving = true
  }

  /** The database has all that was appended before `writing`. */
  written(): void {
    if (!this.#isLeaving) return
    this.#isLeaving = false
    ftruncateSync(this.#descriptors[1 - this.#current] as number)
  }

  /** The database has everything. */
  empty(): void {
    for (const descriptor of this.#descriptors) ftruncateSync(descriptor)
    this.#bytes = 0
    this.#isLeaving = false
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor)
  }

  get #descriptor(): number {
    return this.#descriptors[this.#current] as number
  }
}

function entriesOf(file: string): Entry[] {
  const entries: Entry[] = []
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, sum, sequence, json = ''] = LINE.exec(line) ?? []
    const changes = sum === checksum(`${sequence} ${json}`) ? changesOf(json) : null
    if (changes === null) break
    entries.push({ sequence: Number(sequence), changes })
  }
  return entries
}

/** Null for what no journal wrote, whatever its checksum says. */
function changesOf(json: string): Entry['changes'] | null {
  try {
    const changes: unknown = JSON.parse(json)
    return Array.isArray(changes) && changes.every(isChange) ? changes : null
  } catch {
    return null
  }
}

function isChange(value: unknown): value is Entry['changes'][number] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [key, text] = value as unknown[]
  return typeof key === 'string' && (typeof text === 'string' || text === null)
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
