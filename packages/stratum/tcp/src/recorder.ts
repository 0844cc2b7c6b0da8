import { appendFile, mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Moment, SteadyMs } from '@p2poolv2/primitives'
import { type Log, MESSAGES, type Message } from '@p2poolv2/runtime'
import {
  ConnectionRecorder,
  type DifficultyLimits,
  recordingHead,
  recordingLine,
  type SessionOutput,
  type SessionSettings
} from '@p2poolv2/stratum'

/** A connection's recording goes on in a next file from here on. */
const MAX_FILE_CHARS = 1024 * 1024
/** Files kept, of this run and earlier ones, and what they take together. Beyond either the oldest that is whole goes. */
const MAX_FILES = 256
const MAX_FOLDER_BYTES = 128 * 1024 * 1024
/** Connections recorded at a time; a further one is not. Their files are not deleted. */
const MAX_RECORDED = 100
/** What waits for the disk, of all connections. Beyond it recordings end: one with a hole is worth nothing. */
const MAX_UNWRITTEN_CHARS = 8 * 1024 * 1024
const WRITE_EVERY_MS = 1_000
const NOTICE_EVERY_MS = 60_000
const ENDING = '.stratum.jsonl'

export interface RecorderOptions {
  /** Made when it is not there. */
  readonly folder: string
  readonly redact: 'redact' | 'as-it-is'
  readonly settings: SessionSettings
  /** Of the node. */
  readonly version: string
}

export interface RecorderDeps {
  readonly log: Pick<Log, 'warn'>
  /** Of the work that is sent, if any is. */
  readonly limits: (output: SessionOutput) => DifficultyLimits
}

/** A connection that is being recorded. */
interface Live {
  readonly recorder: ConnectionRecorder
  readonly name: string
  part: number
  file: string
  headAtMs: SteadyMs
  lastMs: SteadyMs
  /** In the file, and on the way to it. */
  chars: number
  unwritten: string
  isWriting: boolean
  isOver: boolean
}

/**
 * Writes down what miners say and what they are told, a file for each connection, for `p2poolv2 replay`. Calls return at once and
 * never throw: a disk that is full or slow ends recordings, and nothing else.
 */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #deps: RecorderDeps
  /** Bounded by `MAX_RECORDED`. */
  readonly #live = new Map<number, Live>()
  /** Ended, with something still to be written. */
  readonly #ending = new Set<Live>()
  /** Of each file its size, the oldest first. Bounded by `MAX_FILES`, and what other programs put there is not ours. */
  readonly #files = new Map<string, number>()
  #unwrittenChars = 0
  #timer: NodeJS.Timeout | null = null
  readonly #noticedAtMs = new Map<Message, SteadyMs>()
  readonly #whenWritten: (() => void)[] = []

  constructor(options: RecorderOptions, deps: RecorderDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** @throws when the folder cannot be made or read */
  async start(): Promise<void> {
    const { folder } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const names = (await readdir(folder)).filter(name => name.endsWith(ENDING)).sort()
    for (const name of names) this.#files.set(name, (await stat(join(folder, name))).size)
    this.#timer = setInterval(() => this.#write(), WRITE_EVERY_MS)
  }

  /** Writes what there is, and ends. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    for (const [miner, { lastMs }] of [...this.#live]) this.#end(miner, 'stopped', lastMs)
    this.#write()
    while (this.#ending.size > 0) await new Promise<void>(resolve => this.#whenWritten.push(resolve))
  }

  connected(miner: number, { startDifficulty }: { readonly startDifficulty?: number }, now: Moment): void {
    if (this.#live.size >= MAX_RECORDED) {
      this.#notice(MESSAGES.recordingsFull, { recorded: MAX_RECORDED }, now.steadyMs)
      return
    }
    const stamp = new Date(now.wallMs).toISOString().replace(/[-:]|\.\d+/g, '')
    const live: Live = {
      recorder: new ConnectionRecorder({ miner, startDifficulty, redact: this.#options.redact }),
      name: `${stamp}-${String(miner).padStart(6, '0')}`,
      part: 0,
      file: '',
      headAtMs: now.steadyMs,
      lastMs: now.steadyMs,
      chars: 0,
      unwritten: '',
      isWriting: false,
      isOver: false
    }
    this.#live.set(miner, live)
    this.#openPart(live, now, recorder => recorder.opened(0))
  }

  /** @param now of the event that the machine was told */
  received(miner: number, lines: readonly Uint8Array[], now: Moment): void {
    this.#add(miner, now, (recorder, at) => recorder.received(at, lines))
  }

  /** @param now of the event that it comes of */
  sent(miner: number, output: SessionOutput, now: Moment): void {
    this.#add(miner, now, (recorder, at) => recorder.sent(at, output, this.#deps.limits(output)))
  }

  /** The node closes it, and forgets it. */
  closed(miner: number, reason: string, now: Moment): void {
    this.#add(miner, now, (recorder, at) => recorder.closed(at, reason))
    this.#end(miner, 'closed', now.steadyMs)
  }

  left(miner: number, now: Moment): void {
    this.#end(miner, 'left', now.steadyMs)
  }

  #add(miner: number, now: Moment, text: (recorder: ConnectionRecorder, at: number) => string): void {
    const live = this.#live.get(miner)
    if (live === undefined) return
    live.lastMs = now.steadyMs
    this.#append(live, text(live.recorder, now.steadyMs - live.headAtMs))
    if (live.chars >= MAX_FILE_CHARS) this.#nextPart(miner, live, now)
    if (this.#unwrittenChars > MAX_UNWRITTEN_CHARS) {
      this.#notice(MESSAGES.recordingSlow, {}, now.steadyMs)
      for (const one of [...this.#live.keys()]) this.#end(one, 'unrecorded', now.steadyMs)
    }
  }

  #end(miner: number, why: string, nowMs: SteadyMs): void {
    const live = this.#live.get(miner)
    if (live === undefined) return
    this.#append(live, live.recorder.gone(nowMs - live.headAtMs, why))
    this.#live.delete(miner)
    this.#finish(live)
  }

  /** The file ends here, and the next one begins with what it needs of this one. */
  #nextPart(miner: number, live: Live, now: Moment): void {
    this.#append(live, live.recorder.gone(now.steadyMs - live.headAtMs, 'unrecorded'))
    const next = { ...live, unwritten: '', chars: 0, isWriting: false }
    this.#finish(live)
    this.#live.set(miner, next)
    this.#openPart(next, now, recorder => recorder.carriedOn(0))
  }

  #openPart(live: Live, { wallMs, steadyMs }: Moment, beginning: (recorder: ConnectionRecorder) => string): void {
    const { redact, settings, version } = this.#options
    live.part += 1
    live.headAtMs = steadyMs
    live.file = `${live.name}-${live.part}${ENDING}`
    const head = recordingHead(settings, { version, startedAtMs: wallMs, redacted: redact === 'redact' })
    this.#files.set(live.file, 0)
    this.#append(live, recordingLine(head) + beginning(live.recorder))
  }

  #append(live: Live, text: string): void {
    live.unwritten += text
    live.chars += text.length
    this.#unwrittenChars += text.length
  }

  #finish(live: Live): void {
    live.isOver = true
    this.#ending.add(live)
  }

  #write(): void {
    this.#makeRoom()
    for (const live of [...this.#ending, ...this.#live.values()]) this.#writeOne(live)
  }

  #writeOne(live: Live): void {
    if (live.isWriting) return
    const { unwritten: text } = live
    if (text === '') {
      if (live.isOver && this.#ending.delete(live)) this.#written()
      return
    }
    live.isWriting = true
    live.unwritten = ''
    appendFile(join(this.#options.folder, live.file), text, { encoding: 'ascii', mode: 0o600 })
      .then(
        () => {
          this.#files.set(live.file, (this.#files.get(live.file) ?? 0) + text.length)
        },
        (err: unknown) => this.#giveUp(live, err)
      )
      .finally(() => {
        this.#unwrittenChars -= text.length
        live.isWriting = false
        if (live.isOver) this.#writeOne(live)
      })
  }

  /** With a hole in it the rest of the recording is worth nothing. Other connections try for themselves. */
  #giveUp(live: Live, err: unknown): void {
    this.#notice(MESSAGES.recordingFailed, { err, folder: this.#options.folder }, live.lastMs)
    this.#unwrittenChars -= live.unwritten.length
    live.unwritten = ''
    live.isOver = true
    for (const [miner, other] of this.#live) if (other === live) this.#live.delete(miner)
    this.#ending.add(live)
  }

  #makeRoom(): void {
    let bytes = 0
    for (const size of this.#files.values()) bytes += size
    const inUse = new Set([...this.#live.values(), ...this.#ending].map(({ file }) => file))
    for (const [name, size] of this.#files) {
      if (this.#files.size <= MAX_FILES && bytes <= MAX_FOLDER_BYTES) return
      if (inUse.has(name)) continue
      this.#files.delete(name)
      bytes -= size
      unlink(join(this.#options.folder, name)).catch(() => {
        // Somebody else has deleted it.
      })
    }
  }

  #written(): void {
    for (const resolve of this.#whenWritten.splice(0)) resolve()
  }

  #notice(message: Message<'warn'>, fields: Readonly<Record<string, unknown>>, nowMs: SteadyMs): void {
    const last = this.#noticedAtMs.get(message)
    if (last !== undefined && nowMs - last < NOTICE_EVERY_MS) return
    this.#noticedAtMs.set(message, nowMs)
    this.#deps.log.warn(message, fields)
  }
}
