import { asciiToBytes, bytesToHex, concatBytes, sha256 } from '@p2poolv2/primitives'

/** Lines kept for the report of a failure; older ones are dropped. */
const KEPT_LINES = 200
/** Lines hashed at once: few enough to bound memory, many enough to be cheap. */
const LINES_PER_HASH = 512

/**
 * What happened, in order, folded into one digest: equal digests mean equal runs. Lines are ASCII and hold virtual time,
 * node, event and share, never anything of the machine the run is on.
 */
export class Trace {
  #digest = new Uint8Array(32)
  #open: string[] = []
  readonly #kept: string[] = []
  #next = 0

  add(line: string): void {
    this.#open.push(line)
    this.#kept[this.#next++ % KEPT_LINES] = line
    if (this.#open.length === LINES_PER_HASH) this.#fold()
  }

  /** 64 hex digits over all lines so far. */
  digest(): string {
    this.#fold()
    return bytesToHex(this.#digest)
  }

  /** The newest lines, oldest first. */
  last(count: number): string[] {
    const from = Math.max(0, this.#next - Math.min(count, KEPT_LINES))
    return Array.from({ length: this.#next - from }, (_, i) => this.#kept[(from + i) % KEPT_LINES] ?? '')
  }

  #fold(): void {
    if (this.#open.length === 0) return
    this.#digest = new Uint8Array(sha256(concatBytes(this.#digest, asciiToBytes(`${this.#open.join('\n')}\n`))))
    this.#open = []
  }
}
