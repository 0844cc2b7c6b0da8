import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { crc32 } from 'node:zlib'
import { bytesToHex, hexToBytes, type ShareHash } from '@p2poolv2/primitives'
import { ConfigError } from '../config.ts'

/**
 * A file that has grown to this, and to twice what waits still, is written anew with that, which the chain bounds (`MAX_WAITING_BYTES`): what
 * is written again is never more than what was written once.
 */
export const LONG_BYTES = 4_194_304
/** Of the file: 256 shares of half the size that a share may have, which none of ours comes near. What is more is not kept here. */
export const MAX_FILE_BYTES = 268_435_456
/** Shares of an earlier run whose parents are not there yet. */
const MAX_LEFT = 256
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
  #waitingBytes = 0

  private constructor(path: string, { file, text }: { readonly file: number; readonly text: string }) {
    this.#path = path
    this.#file = file
    this.#bytes = text.length
    this.#isCut = text !== '' && !text.endsWith('\n')
  }

  /**
   * Opens or makes the file. What cannot be one of ours, since it is longer or a folder, is moved beside it.
   * @returns `setAside`: where to, null if it was none; `left`: encoded shares of which it is not known whether the store has them; a line that was cut is left out. They stay until
   * the first of this run is kept and written.
   * @throws ConfigError when it cannot be moved; what the system says
   */
  static open(path: string): {
    readonly shares: MadeShares
    readonly left: readonly Uint8Array[]
    readonly setAside: string | null
  } {
    const setAside = isOurs(path) ? null : moveAway(path)
    const file = openSync(path, 'a')
    const text = readFileSync(path, 'latin1')
    const left = text.split('\n').flatMap(line => {
      const [, sum, hex = ''] = LINE.exec(line) ?? []
      return sum === checksum(hex) ? [hexToBytes(hex)] : []
    })
    return { shares: new MadeShares(path, { file, text }), left, setAside }
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
    if (this.#bytes + line.length > MAX_FILE_BYTES) return
    this.#wait(shareHash, { line, untilSequence })
    this.#bytes += line.length
    try {
      const whole = this.#isCut ? `\n${line}` : line
      this.#isCut = writeSync(this.#file, whole) < whole.length
    } catch {
      this.#isCut = true
      // The next commit meets the same disk.
    }
  }

  /** Of those that were left: not in the store, but not refused either, as without its parent. Its line stays for the next start. */
  keepLeft(shareHash: ShareHash, encoded: Uint8Array): void {
    if (this.#waiting.size >= MAX_LEFT || this.#waiting.has(shareHash)) return
    const hex = bytesToHex(encoded)
    this.#wait(shareHash, { line: `${checksum(hex)} ${hex}\n`, untilSequence: null })
  }

  /** This one will not come to the store. Its line goes with the next that does. */
  letGo(shareHash: ShareHash): void {
    this.#waitingBytes -= this.#waiting.get(shareHash)?.line.length ?? 0
    this.#waiting.delete(shareHash)
  }

  #wait(shareHash: ShareHash, share: Pick<MadeShare, 'untilSequence'> & { readonly line: string }): void {
    this.#waiting.set(shareHash, share)
    this.#waitingBytes += share.line.length
  }

  /** The store has every delta up to this one. */
  written(sequence: number): void {
    if (this.#waiting.size === 0) return
    for (const [hash, { untilSequence }] of this.#waiting)
      if (untilSequence !== null && untilSequence <= sequence) this.letGo(hash)
    if (this.#waiting.size > 0 && this.#bytes < Math.max(LONG_BYTES, 2 * this.#waitingBytes)) return
    try {
      if (this.#waiting.size === 0) ftruncateSync(this.#file)
      else this.#writeAnew()
      this.#bytes = this.#waitingBytes
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

function isOurs(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined || (found.isFile() && found.size <= MAX_FILE_BYTES)
}

/** @returns where to */
function moveAway(path: string): string {
  const to = `${path}.damaged`
  try {
    renameSync(path, to)
  } catch (cause) {
    throw new ConfigError(`${path} is not a file of this program, and cannot be moved to ${to}: move both away`, {
      cause
    })
  }
  return to
}

function checksum(hex: string): string {
  return crc32(hex).toString(16).padStart(8, '0')
}
