import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'

const LINE = /^([0-9a-f]{8}) ((?:[0-9a-f]{2})+)$/

/**
 * Shares made here that the store does not have yet, handed to the system by plain writes that have happened when they return. A miner is
 * told at once that its share is accepted, and the store takes a moment longer: were the process killed in between, the share would be
 * nowhere. A line is the CRC-32 of the share's hex and the hex. As many are in it as wait for the disk.
 */
export class MadeShares {
  readonly #file: number
  /** Number of the delta that has the last of them. */
  #lastSequence = 0
  #isEmpty: boolean

  private constructor(file: number, isEmpty: boolean) {
    this.#file = file
    this.#isEmpty = isEmpty
  }

  /**
   * Opens or makes the file.
   * @returns `left`: encoded shares of which it is not known whether the store has them; a line that was cut is left out. They stay until
   * the first of this run is kept and written.
   * @throws what the system says
   */
  static open(path: string): { readonly shares: MadeShares; readonly left: readonly Uint8Array[] } {
    const file = openSync(path, 'a')
    const left = readFileSync(path, 'latin1')
      .split('\n')
      .flatMap(line => {
        const [, sum, hex = ''] = LINE.exec(line) ?? []
        return sum === checksum(hex) ? [hexToBytes(hex)] : []
      })
    return { shares: new MadeShares(file, left.length === 0), left }
  }

  /** Keeps an encoded share that a delta brings to the store. A disk that refuses is the store's to tell of. */
  keep(encoded: Uint8Array, sequence: number): void {
    const hex = bytesToHex(encoded)
    this.#isEmpty = false
    this.#lastSequence = sequence
    try {
      writeSync(this.#file, `${checksum(hex)} ${hex}\n`)
    } catch {
      // The next commit meets the same disk.
    }
  }

  /** The store has every delta up to this one. */
  written(sequence: number): void {
    if (this.#isEmpty || sequence < this.#lastSequence) return
    try {
      ftruncateSync(this.#file)
      this.#isEmpty = true
    } catch {
      // What the store has already is passed over at the next start.
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

function checksum(hex: string): string {
  return crc32(hex).toString(16).padStart(8, '0')
}
