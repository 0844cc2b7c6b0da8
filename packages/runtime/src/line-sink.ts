import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/**
 * Bytes that wait while the output takes none; about a thousand lines. At the cap new lines are lost and counted: neither a full
 * disk nor a reader that has stopped must cost memory or mining.
 */
export const MAX_WAITING_BYTES = 262_144
/** How often an output that took nothing is tried again without a new line. */
const RETRY_MS = 250

/** Where whole lines go. */
export interface LineSink {
  write(line: string): void
}

/** Takes what it can of some bytes, at once: how many it took, or why it takes none. */
type Take = (bytes: Uint8Array) => number | 'later' | 'never'

/**
 * Whole lines to a file descriptor, at once where it takes them, so that the last words before a crash are not lost. Writing neither throws
 * nor waits: a reader that has stopped (`less`, Ctrl-S, a full pipe) stops the lines and not the program. What waits is written once
 * it reads on, then how many lines were lost meanwhile; what was for a reader that has gone is dropped.
 */
export class DescriptorSink implements LineSink {
  readonly #descriptor: number
  readonly #lostLine: (lost: number) => string
  #take: Take
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #lost = 0
  #lostEver = 0
  #timer: NodeJS.Timeout | null = null

  /** @param lostLine the line that says how many were lost */
  constructor(descriptor: number, lostLine: (lost: number) => string) {
    this.#descriptor = descriptor
    this.#lostLine = lostLine
    this.#take = takerOf(descriptor)
  }

  /** Lines lost since the beginning. */
  get lost(): number {
    return this.#lostEver
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lost += 1
      this.#lostEver += 1
    } else {
      this.#waiting.push(bytes)
      this.#waitingBytes += bytes.length
    }
    // While it takes nothing, each line would be one more vain attempt.
    if (this.#timer === null) this.#drain()
  }

  #drain(): void {
    this.#timer = null
    for (let next = this.#waiting[0]; next !== undefined; next = this.#next()) {
      const taken = this.#take(next)
      if (taken === 'never') {
        this.#take = bytes => bytes.length
        continue
      }
      const rest = taken === 'later' ? next : next.subarray(taken)
      if (rest.length > 0) {
        this.#waiting[0] = rest
        this.#waitingBytes -= next.length - rest.length
        this.#timer = setTimeout(() => this.#drain(), RETRY_MS).unref()
        return
      }
      this.#waiting.shift()
      this.#waitingBytes -= next.length
    }
  }

  /** What is written next: after all that waited, a word on what was lost. */
  #next(): Buffer | undefined {
    const first = this.#waiting[0]
    if (first !== undefined || this.#lost === 0) return first
    const lost = Buffer.from(this.#lostLine(this.#lost))
    this.#lost = 0
    this.#waiting.push(lost)
    this.#waitingBytes += lost.length
    return lost
  }

  /** Lets go of what it opened itself. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#take = bytes => bytes.length
    closeSync(this.#descriptor)
  }
}

/** A terminal and a pipe are opened once more, so that only this program finds them without waiting; a socket has its own way. */
function takerOf(descriptor: number): Take {
  const stats = fstatSync(descriptor)
  if (stats.isSocket()) return takerOfSocket(descriptor)
  if (stats.isFile()) return bytes => written(descriptor, bytes)
  try {
    const own = openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK)
    return bytes => written(own, bytes)
  } catch {
    return bytes => written(descriptor, bytes)
  }
}

function written(descriptor: number, bytes: Uint8Array): ReturnType<Take> {
  try {
    return writeSync(descriptor, bytes)
  } catch (error) {
    // A full disk may have room again; whoever read may not come back.
    return (error as NodeJS.ErrnoException).code === 'EPIPE' ? 'never' : 'later'
  }
}

/** As service managers give it. Node writes at once what the system takes, and holds the rest. */
function takerOfSocket(descriptor: number): Take {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true })
  socket.unref()
  // There is nobody left to tell.
  socket.on('error', () => undefined)
  return bytes => {
    if (socket.destroyed) return 'never'
    if (socket.writableLength > 0) return 'later'
    socket.write(bytes)
    return bytes.length
  }
}
