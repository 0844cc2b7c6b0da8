import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SolvedBlock } from '@p2poolv2/bitcoind'
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
const FILE_NAME = /^(\d{1,9})-([0-9a-f]{64})\.(?:hex|open)$/
/** An empty file of this ending beside it: not every bitcoin node has said its last word. */
const OPEN = '.open'
/** How a record begins to which no bitcoin node has answered. */
const UNANSWERED = /^submitted/

type BlockPlace = Omit<SolvedBlock, 'blockHex'>

/**
 * Where the hex of every found block is kept, beside a mark for as long as some bitcoin node has not answered with something final. What
 * is marked, or has no answer on record, is submitted once more at the next start.
 */
export class FoundBlockFolder {
  readonly #folder: string
  /** Since the folder was last kept within its cap. */
  #written = LIST_EVERY_BLOCKS

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Writes the mark and `<height>-<hash>.hex`, waits until both are on the platter, names included, and keeps the folder within
   * MAX_KEPT_BLOCKS or so.
   */
  async persist(block: SolvedBlock): Promise<void> {
    const name = nameOf(block)
    await mkdir(this.#folder, { recursive: true })
    // First, or a crash in between leaves a block of which one node's word on record would do.
    await this.#write(`${name}${OPEN}`, '')
    // Submitted once more: on a full disk, writing it anew would destroy what is there.
    if ((await this.#hexOf(`${name}.hex`)) !== block.blockHex) {
      await this.#write(`${name}.hex`, `${block.blockHex}\n`)
      this.#written += 1
    }
    await this.#syncFolder()
    if (this.#written >= LIST_EVERY_BLOCKS) await this.#removeLowest()
  }

  /** Every bitcoin node has said its last word. Never rejects: what stays marked is tried once more. */
  async settled(block: BlockPlace): Promise<void> {
    await rm(join(this.#folder, `${nameOf(block)}${OPEN}`), { force: true }).catch(() => undefined)
  }

  /** It gave way to another of ours on its parent: nobody will ask for it. Never rejects. */
  async remove(block: SolvedBlock): Promise<void> {
    await this.#remove(nameOf(block)).catch(() => undefined)
  }

  async #remove(name: string): Promise<void> {
    for (const ending of ['.hex', OPEN]) await rm(join(this.#folder, `${name}${ending}`), { force: true })
  }

  async #write(name: string, text: string): Promise<void> {
    await withFile(join(this.#folder, name), 'w', async file => {
      await file.writeFile(text)
      await file.sync()
    })
  }

  /** Not every system can open a folder for that; those do it by themselves. */
  async #syncFolder(): Promise<void> {
    await withFile(this.#folder, 'r', file => file.sync()).catch(() => undefined)
  }

  async #removeLowest(): Promise<void> {
    this.#written = 0
    const files = await this.#files()
    for (const { name } of files.slice(MAX_KEPT_BLOCKS)) await this.#remove(name)
  }

  /** One of them; null if it was found elsewhere or is not kept any more. */
  async kept({ blockHash: hash, bitcoinHeight }: BlockPlace): Promise<SolvedBlock | null> {
    const blockHex = await this.#hexOf(`${bitcoinHeight}-${hash}.hex`)
    return blockHex === null ? null : { blockHash: hash, bitcoinHeight, blockHex }
  }

  /** Kept blocks that some bitcoin node has not answered to, as far as marks and records go; highest first. Never rejects. */
  async unanswered(
    records: readonly { readonly blockHash: string; readonly result: string }[]
  ): Promise<SolvedBlock[]> {
    const answered = new Set(records.filter(({ result }) => !UNANSWERED.test(result)).map(record => record.blockHash))
    const blocks: SolvedBlock[] = []
    for (const { name, height, hash, isOpen } of (await this.#files()).slice(0, MAX_UNANSWERED)) {
      if (answered.has(hash) && !isOpen) continue
      const block = { blockHash: blockHash(hash), bitcoinHeight: height }
      const blockHex = await this.#hexOf(`${name}.hex`)
      if (blockHex !== null) blocks.push({ ...block, blockHex })
      // A crash came amid its removal.
      else if (isOpen) await this.settled(block)
    }
    return blocks
  }

  /** The highest first. */
  async #files(): Promise<{ name: string; height: number; hash: string; isOpen: boolean }[]> {
    // No folder yet: no block was ever found.
    const names = new Set(await readdir(this.#folder).catch(() => []))
    const known = [...names].flatMap(file => {
      const [, height, hash] = FILE_NAME.exec(file) ?? []
      return height === undefined || hash === undefined ? [] : [{ name: `${height}-${hash}`, height, hash }]
    })
    return [...new Map(known.map(file => [file.name, file])).values()]
      .map(({ name, height, hash }) => ({ name, height: Number(height), hash, isOpen: names.has(`${name}${OPEN}`) }))
      .sort((a, b) => b.height - a.height || (a.hash < b.hash ? -1 : 1))
  }

  /** Null for a file that a crash cut short: its block never left this computer. */
  async #hexOf(name: string): Promise<string | null> {
    const text = await readFile(join(this.#folder, name), 'utf8').catch(() => '')
    const hex = text.trimEnd()
    return text.endsWith('\n') && hex.length % 2 === 0 && /^[0-9a-f]{160,}$/.test(hex) ? hex : null
  }
}

function nameOf({ bitcoinHeight, blockHash }: BlockPlace): string {
  return `${bitcoinHeight}-${blockHash}`
}

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
