import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ChainBlock, type DevChain, decodeBlockRecords, encodeBlockRecord, KEPT_BLOCKS } from '@p2poolv2/devchain'
import { concatBytes } from '@p2poolv2/primitives'

/** What was found when the file was opened. */
export interface RestoreReport {
  readonly restoredBlocks: number
  /** Cut off because a write had not finished, or stepped over. */
  readonly droppedBytes: number
}

export interface FileLimits {
  /** Above these the file is written anew with what the chain still keeps, which is less. */
  readonly records: number
  readonly bytes: number
  /** Blocks that wait for a disk that refuses them. With more the file is written anew once the disk takes something again. */
  readonly unwritten: number
}

export const FILE_LIMITS: FileLimits = { records: 4 * KEPT_BLOCKS, bytes: 256 * 1024 * 1024, unwritten: 1_000 }

/**
 * A file of every block that found a place, in order of arrival, so that the same chain grows from it again: of two branches
 * with equal work the first comes first. It only grows, until it is written anew. One process at a time may have it open.
 */
export class BlockFile {
  readonly #path: string
  readonly #chain: DevChain
  readonly #limits: FileLimits
  #file: FileHandle
  /** Of whole records. What a failed write left behind it is cut off before the next one. */
  #goodBytes: number
  #records: number
  /** Blocks that could not be written yet: nothing after a hole could be read back. The chain holds their bytes anyway. */
  #unwritten: ChainBlock[] = []
  #lacksBlocks = false
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, opened: { chain: DevChain; limits: FileLimits; file: FileHandle; kept: Kept }) {
    this.#path = path
    this.#chain = opened.chain
    this.#limits = opened.limits
    this.#file = opened.file
    this.#goodBytes = opened.kept.bytes
    this.#records = opened.kept.records
  }

  /**
   * Opens or creates the file and puts its blocks into `chain`, which has none yet.
   * @throws the system's error when the file or its folder cannot be read or written
   */
  static async open(
    path: string,
    chain: DevChain,
    limits: FileLimits = FILE_LIMITS
  ): Promise<{ file: BlockFile; report: RestoreReport }> {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a+')
    try {
      const content = await file.readFile()
      const { kept, ...report } = restore(content, chain)
      if (kept.bytes < content.length) await file.truncate(kept.bytes)
      const opened = new BlockFile(path, { chain, limits, file, kept })
      await opened.#shorten()
      return { file: opened, report }
    } catch (error) {
      // Closing twice is harmless: Node.js remembers.
      await file.close()
      throw error
    }
  }

  /** Resolves when the blocks are on the disk. What a full disk refuses is written before the next ones. */
  append(blocks: readonly ChainBlock[]): Promise<void> {
    this.#unwritten.push(...blocks)
    return this.#inTurn(() => this.#writeAll())
  }

  /** Resolves when the file has what the chain keeps, and nothing else. */
  rewrite(): Promise<void> {
    return this.#inTurn(() => this.#writeAnew())
  }

  /** Resolves after the last append. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work)
    // A failed write is its caller's to hear of.
    this.#writing = done.catch(() => undefined)
    return done
  }

  async #writeAll(): Promise<void> {
    const blocks = this.#unwritten
    if (this.#lacksBlocks) return this.#writeAnew()
    if (blocks.length === 0) return
    const bytes = concatBytes(...blocks.map(encodeBlockRecord))
    this.#unwritten = []
    try {
      await this.#file.appendFile(bytes)
      await this.#file.datasync()
    } catch (error) {
      this.#unwritten = [...blocks, ...this.#unwritten]
      this.#lacksBlocks = this.#unwritten.length > this.#limits.unwritten
      if (this.#lacksBlocks) this.#unwritten = []
      await this.#file.truncate(this.#goodBytes)
      throw error
    }
    this.#goodBytes += bytes.length
    this.#records += blocks.length
    await this.#shorten()
  }

  async #shorten(): Promise<void> {
    if (this.#records > this.#limits.records || this.#goodBytes > this.#limits.bytes) await this.#writeAnew()
  }

  /** With all that the chain keeps. A crash at any moment leaves the old file or the new one. */
  async #writeAnew(): Promise<void> {
    const blocks = [...this.#chain.blocks()]
    this.#unwritten = []
    this.#lacksBlocks = true
    const temporary = `${this.#path}.new`
    const file = await open(temporary, 'w')
    let bytes = 0
    try {
      for (const block of blocks) {
        const record = encodeBlockRecord(block)
        await file.appendFile(record)
        bytes += record.length
      }
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.#path)
    await this.#file.close()
    this.#file = await open(this.#path, 'a+')
    this.#goodBytes = bytes
    this.#records = blocks.length
    this.#lacksBlocks = false
  }
}

interface Kept {
  readonly bytes: number
  readonly records: number
}

/** A record that follows nothing is stepped over: its branch had been given up when it was written. */
function restore(content: Uint8Array, chain: DevChain): RestoreReport & { readonly kept: Kept } {
  const { records, goodBytes } = decodeBlockRecords(content)
  const followed = records.filter(({ bytes, bitcoinHeight }) => chain.restore(bytes, bitcoinHeight))
  const followedBytes = followed.reduce((sum, record) => sum + encodeBlockRecord(record).length, 0)
  return {
    restoredBlocks: followed.length,
    droppedBytes: content.length - followedBytes,
    kept: { bytes: goodBytes, records: records.length }
  }
}
