import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type BlockRecord, type DevChain, decodeBlockRecords, encodeBlockRecord, KEPT_BLOCKS } from '@p2poolv2/devchain'

/** What was found when the file was opened. */
export interface RestoreReport {
  readonly restoredBlocks: number
  /** Cut off because a write had not finished, or because the rest does not follow. */
  readonly droppedBytes: number
}

/** The file is written anew without forgotten blocks when it holds this many. */
const MAX_FILE_RECORDS = 2 * KEPT_BLOCKS

/** A file of block records that only grows while it is open. One process at a time may have it open. */
export class BlockFile {
  readonly #file: FileHandle
  /** Of whole records. What a failed write left behind it is cut off before the next one. */
  #goodBytes: number
  /** Records that could not be written yet: nothing after a hole could be read back. The chain holds their bytes anyway. */
  #unwritten: BlockRecord[] = []
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle, goodBytes: number) {
    this.#file = file
    this.#goodBytes = goodBytes
  }

  /**
   * Opens or creates the file and puts its blocks into `chain`, which has none yet.
   * @throws the system's error when the file or its folder cannot be read or written
   */
  static async open(path: string, chain: DevChain): Promise<{ file: BlockFile; report: RestoreReport }> {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a+')
    try {
      const content = await file.readFile()
      const { kept, records } = restore(content, chain)
      if (kept < content.length) await file.truncate(kept)
      const report = { restoredBlocks: records.length, droppedBytes: content.length - kept }
      if (records.length <= MAX_FILE_RECORDS) return { file: new BlockFile(file, kept), report }
      await file.close()
      const rewritten = await rewrite(path, records.slice(-KEPT_BLOCKS))
      return { file: new BlockFile(rewritten, (await rewritten.stat()).size), report }
    } catch (error) {
      // Closing twice is harmless: Node.js remembers.
      await file.close()
      throw error
    }
  }

  /** Resolves when the block is on the disk. One that a full disk refuses is written before the next one. */
  append(record: BlockRecord): Promise<void> {
    this.#unwritten.push(record)
    const written = this.#writing.then(() => this.#writeAll())
    // A failed write is its caller's to hear of.
    this.#writing = written.catch(() => undefined)
    return written
  }

  /** Resolves after the last append. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #writeAll(): Promise<void> {
    for (let record = this.#unwritten[0]; record !== undefined; record = this.#unwritten[0]) {
      const bytes = encodeBlockRecord(record)
      try {
        await this.#file.appendFile(bytes)
        await this.#file.datasync()
      } catch (error) {
        await this.#file.truncate(this.#goodBytes)
        throw error
      }
      this.#goodBytes += bytes.length
      this.#unwritten.shift()
    }
  }
}

function restore(content: Uint8Array, chain: DevChain): { kept: number; records: BlockRecord[] } {
  const decoded = decodeBlockRecords(content)
  const records: BlockRecord[] = []
  let kept = 0
  for (const record of decoded.records) {
    if (!chain.restore(record.bytes, record.bitcoinHeight)) return { kept, records }
    records.push(record)
    kept += encodeBlockRecord(record).length
  }
  return { kept, records }
}

async function rewrite(path: string, records: readonly BlockRecord[]): Promise<FileHandle> {
  const temporary = `${path}.new`
  const file = await open(temporary, 'w')
  try {
    for (const record of records) await file.appendFile(encodeBlockRecord(record))
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  return open(path, 'a+')
}
