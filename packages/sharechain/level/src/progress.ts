import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How far a store had come when it was last written to. */
export interface Progress {
  /** Of the last delta whose commit was done. */
  readonly sequence: number
  /** Of the last one that was promised to be on the platter. */
  readonly flushed: number
}

const FILE_NAME = 'progress.json'
/** Written in place and never shorter, so that no end of an older text is left behind. */
const LENGTH = 96

/**
 * How far the store has come, in a small file beside LevelDB's: from a damaged tail of its log LevelDB reads on as if it had never
 * been, and only somebody else can know that there was more. Written behind the commits, the newest only, and on the platter
 * where the commit was.
 */
export class ProgressFile {
  readonly #file: FileHandle
  #wanted: Progress
  #written: Progress
  #writing: Promise<void> | null = null

  private constructor(file: FileHandle, progress: Progress) {
    this.#file = file
    this.#wanted = progress
    this.#written = progress
  }

  /** @throws the system's error */
  static async open(directory: string, progress: Progress): Promise<ProgressFile> {
    const path = join(directory, FILE_NAME)
    const opened = new ProgressFile(await open(path, 'r+').catch(() => open(path, 'w+')), progress)
    await opened.#put(progress).catch(() => undefined)
    return opened
  }

  /** A commit is done. */
  advance(sequence: number, durability: 'flushed' | 'buffered'): void {
    this.#wanted = { sequence, flushed: durability === 'flushed' ? sequence : this.#wanted.flushed }
    this.#writing ??= this.#run()
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.datasync().catch(() => undefined)
    await this.#file.close()
  }

  /** A disk that refuses is the store's to tell of. */
  async #run(): Promise<void> {
    try {
      while (this.#written !== this.#wanted) {
        const next = this.#wanted
        await this.#put(next)
        if (next.flushed > this.#written.flushed) await this.#file.datasync()
        this.#written = next
      }
    } catch {
      this.#written = this.#wanted
    } finally {
      this.#writing = null
    }
  }

  async #put(progress: Progress): Promise<void> {
    await this.#file.write(`${JSON.stringify(progress).padEnd(LENGTH - 1)}\n`, 0)
  }
}

/** What the last process to write to the store noted; null for a store from before there were notes, or a note cut short. */
export async function readProgress(directory: string): Promise<Progress | null> {
  try {
    const { sequence, flushed } = JSON.parse(await readFile(join(directory, FILE_NAME), 'utf8')) as Partial<Progress>
    if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(flushed)) return null
    return { sequence: Number(sequence), flushed: Number(flushed) }
  } catch {
    return null
  }
}
