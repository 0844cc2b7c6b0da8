import type { Socket } from 'node:net'
import { concatBytes, type SteadyMs } from '@p2poolv2/primitives'
import { isWorkText, type LineFault, LineReader, newestWork, type SessionOutput } from '@p2poolv2/stratum'
import type { TransportFault } from '@p2poolv2/stratum/sv2'
import type { GoneReason } from './contract.ts'
import type { HostTurns, HostUse } from './host-turns.ts'
import { LineBudget, type LineLimits } from './line-budget.ts'

/** A connection that was told to end but does not hang up is cut after this time. */
const CLOSE_WITHIN_MS = 5_000
/** Of one miner before others have their turn: some seven shares. No miner sends more at a time, and a flood is no more than its own delay. */
export const BYTES_AT_ONCE = 1_024
const NOTHING = new Uint8Array()
const NOBODY = (): void => {}
/** More than this does not wait for a flush: what the network does not take has to be seen. */
const MAX_SAID_CHARS = 16_384

/** Cuts what is read into whole messages. After a fault nothing comes any more. */
export interface MessageReader {
  push(chunk: Uint8Array): { readonly lines: readonly Uint8Array[]; readonly fault: MessageFault | null }
}

type MessageFault = LineFault | TransportFault

export interface MinerSocketOptions {
  /** Default: lines. */
  readonly reader?: MessageReader
  readonly maxUnsentBytes: number
  readonly maxUnsentMs: number
  readonly lines: LineLimits
  /** When what is read is judged, and to whom it counts. */
  readonly turns: HostTurns
  readonly host: HostUse
  readonly nowMs: () => SteadyMs
  /** Asked before anything is written. 'no': what miners would be told is not kept, and this one is hung up on. */
  readonly mayWrite: () => 'yes' | 'no'
  /** It has something to say: `flush` is to be called before the server waits again. */
  readonly onOutput: (socket: MinerSocket) => void
  /** Complete lines of one read, those of `BYTES_AT_ONCE` at a time. */
  readonly onLines: (lines: readonly Uint8Array[]) => void
  /** More lines came than miners have reason to send: for a moment no more is read. */
  readonly onPaused: () => void
  /** The network has taken everything that was written. */
  readonly onDrained?: () => void
  /** Once, after which nothing comes any more. */
  readonly onGone: (why: GoneReason) => void
}

/** One miner's TCP connection: bytes to lines, and lines to a socket that may not keep up. */
export class MinerSocket {
  readonly address: string
  readonly connectedAtMs: SteadyMs
  readonly #socket: Socket
  readonly #options: MinerSocketOptions
  // What each line needs, out of options that every kind of socket puts together in a way of its own: the engine would look there anew
  // every time.
  readonly #nowMs: MinerSocketOptions['nowMs']
  readonly #mayWrite: MinerSocketOptions['mayWrite']
  readonly #onOutput: MinerSocketOptions['onOutput']
  readonly #onLines: MinerSocketOptions['onLines']
  readonly #onDrained: () => void
  readonly #reader: MessageReader
  readonly #budget: LineBudget
  /** While it runs nothing is read: what comes stays with the system, and then with the sender. */
  #pause: NodeJS.Timeout | null = null
  /** What waits for its turn: of one read, or a little more than `BYTES_AT_ONCE`. Nothing is read meanwhile if it is more. */
  #unread: Uint8Array = NOTHING
  /** For how long to read no more, once that is done. */
  #pauseMs = 0
  /** What was said since the last flush. */
  #said = ''
  /** Work that waits for the socket to drain: only the newest is of any use then. '' for none. */
  #heldWork = ''
  #unsentSinceMs: SteadyMs | null = null
  #endedAtMs: SteadyMs | null = null
  #isDeaf = false
  #isClosed = false
  #hasSpoken = false
  #why: GoneReason = 'left'

  /** @param address of the other side, without port */
  constructor(socket: Socket, address: string, options: MinerSocketOptions) {
    this.address = address
    this.connectedAtMs = options.nowMs()
    this.#socket = socket
    this.#options = options
    this.#nowMs = options.nowMs
    this.#mayWrite = options.mayWrite
    this.#onOutput = options.onOutput
    this.#onLines = options.onLines
    this.#onDrained = options.onDrained ?? NOBODY
    this.#reader = options.reader ?? new LineReader()
    this.#budget = new LineBudget(options.lines, this.connectedAtMs)
    socket.on('data', chunk => this.#read(chunk))
    socket.on('error', () => {
      // A connection that breaks is a miner that left; 'close' follows and tells.
      if (this.#why === 'left') this.#why = 'socket-error'
    })
    socket.on('close', () => {
      this.#endPause()
      this.#isClosed = true
      // What came before the end may be a block, and has its turn.
      if (this.#unread.length === 0) options.onGone(this.#why)
    })
  }

  /** Whether a complete line ever came, and it was not told to end. */
  get isInUse(): boolean {
    return this.#hasSpoken && this.#endedAtMs === null
  }

  /** Earlier bytes wait for the network. */
  get isBacklogged(): boolean {
    return this.#socket.writableLength > 0
  }

  /** Goes on with what the reader had to hold back. */
  readHeld(): void {
    if (this.#unread.length === 0) this.#judge(NOTHING)
  }

  /** What was read, a little of it. */
  takeTurn(): 'more' | 'done' {
    const unread = this.#unread
    if (unread.length <= BYTES_AT_ONCE) {
      this.#unread = NOTHING
      this.#judge(unread)
    } else {
      this.#unread = unread.subarray(BYTES_AT_ONCE)
      this.#judge(unread.subarray(0, BYTES_AT_ONCE))
    }
    if (this.#unread.length > 0) return 'more'
    if (this.#isClosed) this.#options.onGone(this.#why)
    else this.#readOn()
    return 'done'
  }

  /** What was read and not judged will not be: the server has stopped. */
  letGo(): void {
    this.#unread = NOTHING
    if (this.#isClosed) this.#options.onGone(this.#why)
  }

  /**
   * Sends whole messages, text with the next `flush`. Work is held back, and replaced by newer work, while earlier bytes wait for
   * the network.
   */
  send(output: SessionOutput): void {
    if (this.#endedAtMs !== null || this.#socket.destroyed) return
    if (typeof output !== 'string') {
      this.flush()
      this.#write(output)
    } else if (this.#socket.writableLength > 0 && isWorkText(output)) {
      this.#heldWork = this.#heldWork === '' ? output : newestWork(this.#heldWork, output)
    } else {
      const isFirst = this.#said === ''
      this.#said += output
      if (this.#said.length > MAX_SAID_CHARS) this.flush()
      else if (isFirst) this.#onOutput(this)
    }
  }

  /** Writes what was said as one. */
  flush(): void {
    const said = this.#said
    if (said === '') return
    this.#said = ''
    if (!this.#socket.destroyed) this.#write(said)
  }

  /** Sends what waits, then hangs up. What still comes in meanwhile is delivered: it may be a block. */
  end(why: GoneReason): void {
    if (this.#endedAtMs !== null || this.#socket.destroyed) return
    this.flush()
    this.#why = why
    this.#endedAtMs = this.#nowMs()
    // There is little time left, and what is still to be read may be a block.
    this.#endPause()
    this.#socket.end()
  }

  /** Hangs up at once. */
  destroy(why: GoneReason): void {
    if (this.#socket.destroyed) return
    this.#why = why
    this.#isDeaf = true
    this.#socket.destroy()
  }

  /** To be called every few seconds: gives up on who does not read or does not hang up. */
  sweep(nowMs: SteadyMs): void {
    if (this.#endedAtMs !== null && nowMs - this.#endedAtMs >= CLOSE_WITHIN_MS) this.destroy(this.#why)
    else if (this.#unsentSinceMs !== null && nowMs - this.#unsentSinceMs >= this.#options.maxUnsentMs) {
      this.destroy('too-slow')
    }
  }

  #read(chunk: Uint8Array): void {
    if (this.#isDeaf || chunk.length === 0) return
    const { turns, host } = this.#options
    // Little that comes while it waits is kept beside: to stop a socket and start it again costs as much as to judge a line.
    if (this.#unread.length > 0) this.#unread = concatBytes(this.#unread, chunk)
    else {
      this.#unread = chunk
      if (turns.offer(host, this) === 'done') return
    }
    if (this.#unread.length > BYTES_AT_ONCE) this.#socket.pause()
  }

  #judge(bytes: Uint8Array): void {
    const { lines, fault } = this.#reader.push(bytes)
    // Lines before a fault are good: one of them may be a block.
    if (lines.length > 0) {
      this.#hasSpoken = true
      this.#onLines(lines)
    }
    // Who floods is read more slowly, and hears of it by its own full buffers. No line is ever dropped for it.
    this.#pauseMs = this.#budget.spend(lines.length, this.#nowMs())
    if (fault === null) return
    this.#unread = NOTHING
    this.destroy(fault)
  }

  /** All is judged that was read: the next may come, or some time later. */
  #readOn(): void {
    if (this.#socket.destroyed) return
    if (this.#pauseMs === 0 || this.#endedAtMs !== null) {
      if (this.#pause === null && this.#socket.isPaused()) this.#socket.resume()
      return
    }
    this.#socket.pause()
    this.#pause = setTimeout(() => this.#endPause(), this.#pauseMs)
    this.#options.onPaused()
  }

  #endPause(): void {
    if (this.#pause === null) return
    clearTimeout(this.#pause)
    this.#pause = null
    if (this.#unread.length === 0) this.#socket.resume()
  }

  #write(output: SessionOutput): void {
    if (this.#mayWrite() === 'no') {
      this.destroy('stopped')
      return
    }
    // All text a session sends is ASCII; latin1 writes it without looking.
    this.#socket.write(output, 'latin1', this.#written)
    const unsentBytes = this.#socket.writableLength
    if (unsentBytes === 0) return
    this.#unsentSinceMs ??= this.#nowMs()
    if (unsentBytes > this.#options.maxUnsentBytes) this.destroy('too-slow')
  }

  readonly #written = (): void => {
    if (this.#socket.writableLength > 0) return
    this.#unsentSinceMs = null
    this.#onDrained()
    const work = this.#heldWork
    if (work === '' || this.#endedAtMs !== null || this.#socket.destroyed) return
    this.#heldWork = ''
    this.#write(work)
  }
}
