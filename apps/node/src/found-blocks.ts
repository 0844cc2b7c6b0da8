import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the hex of every found block is kept, so that a person can submit it by hand if all else fails. */
export class FoundBlockFolder {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Writes `<height>-<hash>.hex` and waits until it is on the platter. A block that is there already is left alone. */
  async persist(block: {
    readonly blockHash: string
    readonly bitcoinHeight: number
    readonly blockHex: string
  }): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const file = await open(join(this.#folder, `${block.bitcoinHeight}-${block.blockHash}.hex`), 'w')
    try {
      await file.writeFile(`${block.blockHex}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  }
}
