import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { bytesToHex, hexToBytes, type ShareHash } from '@p2poolv2/primitives'

/** A file that has grown to this is written anew with what waits still, which the chain bounds (`MAX_WAITING_BYTES`). */
export const LONG_BYTES = 4_194_304
const LINE = /^([0-9a-f]{8}) ((?:[0-9a-f]{2})+)$/

export interface MadeShare {
  readonly shareHash: ShareHash
  readonly encoded: Uint8Array
  /** Of the delta that brings it to the store; null while the share waits in memory. */
  readonly untilSequence: number | null
}

/**
 * Shares made here that the store does not have yet, handed to the system by plain writes that have happened when they return. A miner is
 * told at once that its share is accepted, and the store takes a moment longer, or much longer while the disk is behind: were the process
 * killed in between, the share would be nowhere. A line is the CRC-32 of the share's hex and the hex. As many are in it as wait.
 */
export class MadeShares {
  readonly #path: string
  #file: number
  #bytes: number
  /** The last line may have no end, after a full disk or a kill: what follows begins on one of its own. */
  #isCut: boolean
  /** What the store does not have yet, the oldest first. */
  readonly #waiting = new Map<ShareHash, Pick<MadeShare, 'untilSequence'> & { readonly line: string }>()

  private constructor(path: string, { file, text }: { readonly file: number; readonly text: string }) {
    this.#path = path
    this.#file = file
    this.#bytes = text.length
    this.#isCut = text !== '' && !text.endsWith('\n')
  }

  /**
   * Opens or makes the file.
   * @returns `left`: encoded shares of which it is not known whether the store has them; a line that was cut is left out. They stay until
   * the first of this run is kept and written.
   * @throws what the system says
   */
  static open(path: string): { readonly shares: MadeShares; readonly left: readonly Uint8Array[] } {
    const file = openSync(path, 'a')
    const text = readFileSync(path, 'latin1')
    const left = text.split('\n').flatMap(line => {
      const [, sum, hex = ''] = LINE.exec(line) ?? []
      return sum === checksum(hex) ? [hexToBytes(hex)] : []
    })
    return { shares: new MadeShares(path, { file, text }), left }
  }

  /** Keeps an encoded share. One that is kept already is not written again. A disk that refuses is the store's to tell of. */
  keep({ shareHash, encoded, untilSequence }: MadeShare): void {
    const known = this.#waiting.get(shareHash)
    if (known !== undefined) {
      this.#waiting.set(shareHash, { ...known, untilSequence })
      return
    }
    const hex = bytesToHex(encoded)
    const line = `${checksum(hex)} ${hex}\n`
    this.#waiting.set(shareHash, { line, untilSequence })
    this.#bytes += line.length
    try {
      const whole = this.#isCut ? `\n${line}` : line
      this.#isCut = writeSync(this.#file, whole) < whole.length
    } catch {
      this.#isCut = true
      // The next commit meets the same disk.
    }
  }

  /** This one will not come to the store. Its line goes with the next that does. */
  letGo(shareHash: ShareHash): void {
    this.#waiting.delete(shareHash)
  }

  /** The store has every delta up to this one. */
  written(sequence: number): void {
    if (this.#waiting.size === 0) return
    for (const [hash, { untilSequence }] of this.#waiting)
      if (untilSequence !== null && untilSequence <= sequence) this.#waiting.delete(hash)
    if (this.#waiting.size > 0 && this.#bytes < LONG_BYTES) return
    try {
      if (this.#waiting.size === 0) ftruncateSync(this.#file)
      else this.#writeAnew()
      this.#bytes = 0
      for (const { line } of this.#waiting.values()) this.#bytes += line.length
    } catch {
      // What the store has already is passed over at the next start.
    }
  }

  /** In another file that takes the place of this one: at no moment is anything missing. */
  #writeAnew(): void {
    const next = `${this.#path}.new`
    writeFileSync(next, [...this.#waiting.values()].map(({ line }) => line).join(''))
    renameSync(next, this.#path)
    closeSync(this.#file)
    this.#file = openSync(this.#path, 'a')
  }

  close(): void {
    closeSync(this.#file)
  }
}

function checksum(hex: string): string {
  return crc32(hex).toString(16).padStart(8, '0')
}
