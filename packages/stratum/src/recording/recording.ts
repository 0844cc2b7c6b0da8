import type { SessionSettings, VardiffOptions } from '../contract.ts'
import { asciiText } from '../v1/messages.ts'

/** The first line of a recording, and of every one that follows it in the same file. */
export interface RecordingHead {
  readonly p2poolv2: 'stratum-recording'
  readonly format: typeof RECORDING_FORMAT
  /** Of the node. */
  readonly version: string
  /** Unix time that the `at` of all entries is counted from. */
  readonly startedAtMs: number
  /** Whether passwords and addresses stand as they were said. */
  readonly redacted: boolean
  readonly versionMask: number
  readonly vardiff: VardiffOptions
}

/**
 * What happened on a connection. `at` is in milliseconds since the head's time; `miner` tells connections of a file apart. Lines
 * are without their ends, and a character is a byte.
 */
export type RecordingEntry = { readonly at: number; readonly miner: number } & (
  | {
      readonly open: {
        /** Of the door it came in by. */
        readonly startDifficulty?: number
        /**
         * The connection began in an earlier file. What follows up to `begins` is its login and the jobs it still had, said again
         * so that this file stands alone; it had this difficulty.
         */
        readonly carried?: { readonly difficulty: number | null }
      }
    }
  /** From here on it is new, where a file carries on another. */
  | { readonly begins: true }
  /** What one read brought. */
  | { readonly in: readonly string[] }
  /** What the node wrote at once. */
  | { readonly out: readonly string[] }
  /** From here on the work is for these, until said otherwise. */
  | { readonly limits: { readonly shareDifficulty: number | null; readonly bitcoinDifficulty: number } }
  /** The node closes it. */
  | { readonly close: string }
  /** It is over. `unrecorded`: it goes on, but not here. */
  | { readonly gone: string }
)

export const RECORDING_FORMAT = 1

/** A recording is read whole: longer ones are not what we write. */
export const MAX_RECORDING_CHARS: number = 64 * 1024 * 1024

/** One file: a head with its entries in the order they were written, or several. */
export interface Recording {
  readonly head: RecordingHead
  readonly entries: readonly RecordingEntry[]
}

export class RecordingError extends Error {
  readonly code = 'recording-unreadable'

  constructor(message: string) {
    super(message)
    this.name = 'RecordingError'
  }
}

export function recordingHead(
  settings: Pick<SessionSettings, 'versionMask' | 'vardiff'>,
  about: Pick<RecordingHead, 'version' | 'startedAtMs' | 'redacted'>
): RecordingHead {
  const { versionMask, vardiff } = settings
  return { p2poolv2: 'stratum-recording', format: RECORDING_FORMAT, ...about, versionMask, vardiff }
}

/** One line of a recording, in ASCII, with its end. */
export function recordingLine(line: RecordingHead | RecordingEntry): string {
  return `${asciiText(JSON.stringify(line))}\n`
}

/**
 * Reads a file, in which several recordings may stand one after the other. A last line that was cut short, as a kill leaves it, is
 * left out.
 * @throws RecordingError
 */
export function parseRecordings(text: string): readonly Recording[] {
  if (text.length > MAX_RECORDING_CHARS) throw new RecordingError('the file is too large for a recording of ours')
  const recordings: { head: RecordingHead; entries: RecordingEntry[] }[] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const json = jsonOf(line)
    if (json === null && index === lines.length - 1) break
    if (isHead(json)) recordings.push({ head: json, entries: [] })
    else if (recordings.length === 0) throw new RecordingError('the file does not begin as a stratum recording does')
    else if (isEntry(json)) recordings.at(-1)?.entries.push(json)
    else throw new RecordingError(`line ${index + 1} is nothing that a stratum recording has`)
  }
  if (recordings.length === 0) throw new RecordingError('the file is empty')
  return recordings
}

/** Null for what is no JSON; undefined where it has a number, in whatever field, that JSON reads and does not write: 1e999, or a negative nought. */
function jsonOf(line: string): unknown {
  try {
    let isWritten = true
    const json: unknown = JSON.parse(line, (_, value: unknown) => {
      if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) isWritten = false
      return value
    })
    return isWritten ? json : undefined
  } catch {
    // Whether that is a fault depends on where the line stands.
    return null
  }
}

function isHead(json: unknown): json is RecordingHead {
  if (!isObject(json) || json.p2poolv2 !== 'stratum-recording') return false
  if (json.format !== RECORDING_FORMAT)
    throw new RecordingError(`the recording has format ${String(json.format)}; this version reads ${RECORDING_FORMAT}`)
  const { startedAtMs, versionMask, vardiff } = json
  return Number.isFinite(startedAtMs) && Number.isFinite(versionMask) && isVardiff(vardiff)
}

function isVardiff(json: unknown): boolean {
  if (!isObject(json) || (json.retarget !== 'on' && json.retarget !== 'off')) return false
  const { targetSharesPerSec, minDifficulty, maxDifficulty, startDifficulty, setMinimum } = json
  return (
    [targetSharesPerSec, minDifficulty, maxDifficulty, startDifficulty].every(isPositive) &&
    (setMinimum === undefined || setMinimum === null || isPositive(setMinimum))
  )
}

function isEntry(json: unknown): json is RecordingEntry {
  if (!isObject(json) || !Number.isFinite(json.at) || !Number.isFinite(json.miner)) return false
  if (json.in !== undefined) return isLines(json.in)
  if (json.out !== undefined) return isLines(json.out)
  if (json.open !== undefined) return isOpening(json.open)
  if (json.limits !== undefined) return isLimits(json.limits)
  return json.begins === true || typeof json.close === 'string' || typeof json.gone === 'string'
}

function isOpening(json: unknown): boolean {
  if (!isObject(json)) return false
  const { startDifficulty, carried } = json
  if (startDifficulty !== undefined && !isPositive(startDifficulty)) return false
  return carried === undefined || (isObject(carried) && (carried.difficulty === null || isPositive(carried.difficulty)))
}

function isLimits(json: unknown): boolean {
  if (!isObject(json)) return false
  return isPositive(json.bitcoinDifficulty) && (json.shareDifficulty === null || isPositive(json.shareDifficulty))
}

function isLines(json: unknown): boolean {
  return Array.isArray(json) && json.every(line => typeof line === 'string')
}

function isPositive(json: unknown): boolean {
  return typeof json === 'number' && Number.isFinite(json) && json > 0
}

/** Whatever a recording may have. */
type Fields = Readonly<
  Partial<Record<keyof RecordingHead | keyof VardiffOptions | 'at' | 'miner' | 'in' | 'out' | 'open', unknown>>
> &
  Readonly<Partial<Record<'limits' | 'begins' | 'close' | 'gone' | 'carried' | 'difficulty', unknown>>> &
  Readonly<Partial<Record<'shareDifficulty' | 'bitcoinDifficulty', unknown>>>

function isObject(json: unknown): json is Fields {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
