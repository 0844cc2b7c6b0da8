import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Rng } from '@p2poolv2/primitives'

const KINDS = ['', 'open', 'write', 'sync', 'close', 'rename', 'unlink', 'truncate'] as const
const HEAD_BYTES = 56

/** One thing a program did to a file. */
export interface Note {
  readonly kind: (typeof KINDS)[number]
  readonly fd: number
  /** Offset of a write, new length; 1 for an open that empties the file. */
  readonly at: number
  /** The data written, or the path. */
  readonly one: Buffer
  /** The new path of a renaming. */
  readonly other: string
}

export function readTrace(bytes: Buffer): Note[] {
  const notes: Note[] = []
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const word = (index: number): number => Number(bytes.readBigInt64LE(at + 8 * index))
    const [kind, oneLength, otherLength] = [word(0), word(3), word(4)]
    const from = at + HEAD_BYTES
    notes.push({
      kind: KINDS[kind] ?? '',
      fd: word(1),
      at: word(2),
      one: bytes.subarray(from, from + oneLength),
      other: bytes.toString('utf8', from + oneLength, from + oneLength + otherLength)
    })
    at = from + oneLength + otherLength
  }
  return notes
}

/**
 * What becomes of bytes that nobody has waited for: `lost`: none is there. `torn`: some of the oldest are. `pages`: the file has its new
 * length, and any of its pages may be there or empty.
 */
export type Loss = 'lost' | 'torn' | 'pages'

const PAGE_BYTES = 4_096

/** A file as programs see it, and as it is on the platter. */
interface Inode {
  content: Buffer
  safe: Buffer
}

type Names = Map<string, Inode>

/**
 * The folder as a power cut leaves it. Bytes are safe once the file was synced; names are in a journal of their own, in order, which every
 * sync writes, and of what came after it some of the oldest are there, as on common file systems.
 */
export class CutDisk {
  readonly #folder: string
  readonly #names: Names = new Map()
  #safeNames: Names = new Map()
  /** Names as they were after each change since the last sync. */
  #unsafe: Names[] = []
  readonly #open = new Map<number, string>()
  readonly #openInodes = new Map<number, Inode>()

  constructor(folder: string) {
    this.#folder = folder
  }

  do({ kind, fd, at, one, other }: Note): void {
    const path = one.toString('utf8')
    const inode = this.#openInodes.get(fd)
    switch (kind) {
      case 'open': {
        const known = this.#names.get(path) ?? this.#create(path)
        if (at === 1) known.content = Buffer.alloc(0)
        this.#open.set(fd, path)
        this.#openInodes.set(fd, known)
        break
      }
      case 'write':
        if (inode !== undefined) inode.content = written(inode.content, one, at)
        break
      case 'truncate':
        if (inode !== undefined) inode.content = written(inode.content, Buffer.alloc(0), at).subarray(0, at)
        break
      case 'sync':
        if (inode !== undefined) inode.safe = inode.content
        this.#safeNames = new Map(this.#names)
        this.#unsafe = []
        break
      case 'close':
        this.#open.delete(fd)
        this.#openInodes.delete(fd)
        break
      case 'rename': {
        const moved = this.#names.get(path)
        this.#names.delete(path)
        if (moved !== undefined) this.#names.set(other, moved)
        this.#changed()
        break
      }
      case 'unlink':
        this.#names.delete(path)
        this.#changed()
        break
      default:
        throw new Error('a trace has no other notes')
    }
  }

  /** Content of a file as programs see it. */
  read(name: string): string {
    return this.#names.get(join(this.#folder, name))?.content.toString('utf8') ?? ''
  }

  /** Puts the folder as it is after a power cut now into another place. */
  async writeTo(place: string, loss: Loss, rng: Rng): Promise<void> {
    const kept = loss === 'lost' ? -1 : (rng.u32() % (this.#unsafe.length + 1)) - 1
    for (const [path, inode] of this.#unsafe[kept] ?? this.#safeNames) {
      const file = join(place, relative(this.#folder, path))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, afterCut(inode, loss, rng))
    }
  }

  #create(path: string): Inode {
    const made: Inode = { content: Buffer.alloc(0), safe: Buffer.alloc(0) }
    this.#names.set(path, made)
    this.#changed()
    return made
  }

  #changed(): void {
    this.#unsafe.push(new Map(this.#names))
  }
}

function written(content: Buffer, data: Buffer, at: number): Buffer {
  if (at === content.length) return Buffer.concat([content, data])
  const length = Math.max(content.length, at + data.length)
  const next = Buffer.alloc(length)
  content.copy(next)
  data.copy(next, at)
  return next
}

function afterCut({ content, safe }: Inode, loss: Loss, rng: Rng): Buffer {
  if (loss === 'lost' || content === safe) return safe
  const common = firstDifference(content, safe)
  if (loss === 'torn') {
    const end = common + (rng.u32() % (content.length - common + 1))
    return end >= safe.length ? content.subarray(0, end) : Buffer.concat([content.subarray(0, end), safe.subarray(end)])
  }
  const pages = Buffer.from(content)
  for (let at = common; at < content.length; at += PAGE_BYTES - (at % PAGE_BYTES)) {
    if (rng.u32() % 2 === 0) continue
    const end = Math.min(content.length, at + PAGE_BYTES - (at % PAGE_BYTES))
    pages.fill(0, at, end)
    if (at < safe.length) safe.copy(pages, at, at, Math.min(end, safe.length))
  }
  return pages
}

function firstDifference(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length)
  if (a.compare(b, 0, length, 0, length) === 0) return length
  let at = 0
  while (a[at] === b[at]) at++
  return at
}
