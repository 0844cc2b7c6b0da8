import type { ReadStream, WriteStream } from 'node:tty'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
/** Clears what is behind the cursor in its line. */
const CLEAR_LINE = '\u001b[K'

/**
 * The alternate screen of a terminal. Whatever ends the program, a signal and a crash too, the screen of before is there again; `kill -9`
 * alone leaves it, and `reset` mends that.
 */
export class FullScreen {
  readonly #out: WriteStream
  readonly #keys: ReadStream
  readonly #leave = (): void => this.close()
  #isOpen = false

  /** @param onKey is given what was typed, Ctrl-C among it */
  constructor(out: WriteStream, keys: ReadStream, onKey: (key: string) => void) {
    this.#out = out
    this.#keys = keys
    process.on('exit', this.#leave)
    this.#isOpen = true
    out.write(ENTER)
    if (keys.isTTY === true) {
      keys.setRawMode(true)
      keys.setEncoding('utf8')
      keys.on('data', (typed: string | Buffer) => onKey(String(typed)))
      keys.resume()
    }
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#out.columns ?? 80, rows: this.#out.rows ?? 24 }
  }

  /** Lines from the top; nothing of before stays. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    this.#out.write(`${HOME}${lines.map(line => line + CLEAR_LINE).join('\r\n')}\u001b[J`)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.off('exit', this.#leave)
    if (this.#keys.isTTY === true) {
      this.#keys.setRawMode(false)
      this.#keys.pause()
    }
    this.#out.write(LEAVE)
  }
}
