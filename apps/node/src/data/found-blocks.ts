import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FoundBlock } from '@p2poolv2/bitcoind'
import { blockHash } from '@p2poolv2/primitives'

/** Blocks looked at again after a start, the highest first: whatever is older was decided long ago. */
const MAX_UNANSWERED = 20
/**
 * Blocks kept; beyond them the lowest go, some at a time. More than a node finds in its life on a real chain, and a test
 * chain with quick blocks does not fill the disk.
 */
export const MAX_KEPT_BLOCKS = 1_000
/** Files by which the folder may exceed the cap, so that it is not listed for every block. */
const LIST_EVERY_BLOCKS = 50
const FILE_NAME = /^(\d{1,9})-([0-9a-f]{64})\.hex$/
/** How a record begins to which no bitcoin node has answered. */
const UNANSWERED = /^submitted/

/**
 * Where the hex of every found block is kept, written before the block is submitted. A block whose answer a crash or a
 * power cut kept from us is submitted once more at the next start.
 */
export class FoundBlockFolder {
  readonly #folder: string
  /** Since the folder was last kept within its cap. */
  #written = LIST_EVERY_BLOCKS

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Writes `<height>-<hash>.hex`, waits until it is on the platter, and keeps the folder within MAX_KEPT_BLOCKS or so. */
  async persist(block: FoundBlock): Promise<void> {
    const name = `${block.bitcoinHeight}-${block.blockHash}.hex`
    // Submitted once more: on a full disk, writing it anew would destroy what is there.
    if ((await this.#hexOf(name)) === block.blockHex) return
    await mkdir(this.#folder, { recursive: true })
    const file = await open(join(this.#folder, name), 'w')
    try {
      await file.writeFile(`${block.blockHex}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    this.#written += 1
    if (this.#written >= LIST_EVERY_BLOCKS) await this.#removeLowest()
  }

  async #removeLowest(): Promise<void> {
    this.#written = 0
    const files = await this.#files()
    for (const { name } of files.slice(MAX_KEPT_BLOCKS)) await rm(join(this.#folder, name), { force: true })
  }

  /** Kept blocks to which no bitcoin node has answered, as far as the records go; highest first. Never rejects. */
  async unanswered(records: readonly { readonly blockHash: string; readonly result: string }[]): Promise<FoundBlock[]> {
    const answered = new Set(records.filter(({ result }) => !UNANSWERED.test(result)).map(record => record.blockHash))
    const blocks: FoundBlock[] = []
    for (const { name, height, hash } of (await this.#files()).slice(0, MAX_UNANSWERED)) {
      if (answered.has(hash)) continue
      const blockHex = await this.#hexOf(name)
      if (blockHex !== null) blocks.push({ blockHash: blockHash(hash), bitcoinHeight: height, blockHex })
    }
    return blocks
  }

  /** The highest first. */
  async #files(): Promise<{ name: string; height: number; hash: string }[]> {
    // No folder yet: no block was ever found.
    const names = await readdir(this.#folder).catch(() => [])
    return names
      .flatMap(name => {
        const [, height, hash] = FILE_NAME.exec(name) ?? []
        return height === undefined || hash === undefined ? [] : [{ name, height: Number(height), hash }]
      })
      .sort((a, b) => b.height - a.height || (a.hash < b.hash ? -1 : 1))
  }

  /** Null for a file that a crash cut short: its block never left this computer. */
  async #hexOf(name: string): Promise<string | null> {
    const text = await readFile(join(this.#folder, name), 'utf8').catch(() => '')
    const hex = text.trimEnd()
    return text.endsWith('\n') && hex.length % 2 === 0 && /^[0-9a-f]{160,}$/.test(hex) ? hex : null
  }
}
