import { isatty } from 'node:tty'
import { type DestinationStream, type Level, type Logger, pino, stdTimeFunctions } from 'pino'
import { humanLine } from './human-line.ts'
import { DescriptorSink } from './line-sink.ts'
import type { Message } from './messages/message.ts'
import { MESSAGES } from './messages/table.ts'

export type LogLevel = Exclude<Level, 'fatal'> | 'silent'

export interface LogOptions {
  readonly level: LogLevel
  /** `auto` is `human` when the output is a terminal, `json` otherwise. */
  readonly format: 'human' | 'json' | 'auto'
  /** Where whole lines go; the standard output when absent. */
  readonly sink?: DestinationStream
  /** Keeps the last of them. */
  readonly tail?: LogTail
}

type Fields = Readonly<Record<string, unknown>>

/**
 * What our code logs with. What is said at `debug` and `info` is a constant sentence, with everything that varies in fields
 * before it. A warning or an error is a row of the table of messages, and its line carries the id, so that whoever reads it can ask
 * what it means (`./p2poolv2 explain ID`). A test's silent log is `createLog({ level: 'silent', format: 'json' })`.
 */
export interface Log extends Pick<Logger, 'debug' | 'info' | 'isLevelEnabled'> {
  warn(message: Message<'warn'>, fields?: Fields): void
  error(message: Message<'error'>, fields?: Fields): void
}

const HIDDEN = '[hidden]'

// Field names whose values never reach a log, at the top and one level down. Lower camel case and the TOML spelling.
const SECRET_FIELDS = [
  'password',
  'rpcPassword',
  'rpc_password',
  'cookie',
  'authorization',
  'secret',
  'secretKey',
  'secret_key',
  'privateKey',
  'private_key',
  'token',
  'mnemonic',
  'seed'
]

// user:password@ of a URL, in whatever field or message it stands.
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'\\]+@/gi

/** Replaces the credentials of every URL in `text`. */
export function withoutCredentials(text: string): string {
  return text.replace(URL_CREDENTIALS, `$1${HIDDEN}@`)
}

/** Lines kept of a log. */
const MAX_TAIL_LINES = 500
/** Of each; what is beyond is cut. */
const MAX_TAIL_CHARACTERS = 2_000

/** The last lines of a log, as JSON and without secrets: what somebody who helps wants to see. At the cap the oldest goes. */
export class LogTail {
  readonly #lines: string[] = []

  get lines(): readonly string[] {
    return this.#lines
  }

  write(line: string): void {
    this.#lines.push(line.trimEnd().slice(0, MAX_TAIL_CHARACTERS))
    if (this.#lines.length > MAX_TAIL_LINES) this.#lines.shift()
  }
}

/** A log that writes whole lines. */
export function createLog(options: LogOptions): Log {
  const human = options.format === 'human' || (options.format === 'auto' && isatty(1))
  const inFormat = (line: string): string => (human ? humanLine(line) : line)
  const sink = options.sink ?? new DescriptorSink(1, lost => inFormat(lostLine(lost)))
  const { tail } = options
  const stream: DestinationStream = {
    write: line => {
      tail?.write(line)
      sink.write(inFormat(line))
    }
  }
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap(field => [field, `*.${field}`]), censor: HIDDEN },
      hooks: { streamWrite: withoutCredentials }
    },
    stream
  )
  return {
    debug: logger.debug.bind(logger),
    info: logger.info.bind(logger),
    isLevelEnabled: logger.isLevelEnabled.bind(logger),
    warn: ({ id, says }, fields) => logger.warn({ id, ...fields }, says),
    error: ({ id, says }, fields) => logger.error({ id, ...fields }, says)
  }
}

/** What the log itself has to say, in its own form. */
function lostLine(linesLost: number): string {
  const { id, level, says } = MESSAGES.logLost
  return `${JSON.stringify({ level, time: new Date().toISOString(), id, linesLost, msg: says })}\n`
}
