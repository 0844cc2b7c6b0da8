const LEVEL_TAG: Readonly<Record<string, string>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info ',
  warn: 'WARN ',
  error: 'ERROR',
  fatal: 'FATAL'
}

// C0, DEL, C1 and the line and bidirectional controls: none of them may reach a terminal from a peer's or miner's text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * One JSON log line → one short line: local time, level, id if it has one, message, then `field=value` in the order they were given.
 * A line that is not a JSON object is passed on as text. Control characters are escaped, so a value cannot move the
 * terminal's cursor or forge a line. Ends in a newline.
 */
export function humanLine(jsonLine: string): string {
  const record = parsed(jsonLine)
  if (record === null) return `${escaped(jsonLine.trimEnd())}\n`
  const { time, level, id, msg, err, ...fields } = record
  const words = [clockTime(time), LEVEL_TAG[String(level)] ?? String(level)]
  if (id !== undefined) words.push(escaped(String(id)))
  words.push(escaped(String(msg ?? '')))
  for (const [name, value] of Object.entries(fields)) words.push(`${name}=${valueText(value)}`)
  if (err !== undefined) words.push(`error=${valueText(errorText(err))}`)
  return `${words.join(' ')}\n`
}

function parsed(jsonLine: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(jsonLine)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null // not JSON: a library wrote to the same stream
  }
}

function clockTime(time: unknown): string {
  const date = new Date(typeof time === 'string' || typeof time === 'number' ? time : Number.NaN)
  if (Number.isNaN(date.getTime())) return '--:--:--'
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function errorText(err: unknown): unknown {
  if (typeof err !== 'object' || err === null) return err
  if ('message' in err && typeof err.message === 'string') return err.message
  return err
}

function valueText(value: unknown): string {
  if (typeof value !== 'string') return escaped(JSON.stringify(value) ?? 'undefined')
  return /^[^\s"=]+$/.test(value) ? escaped(value) : escaped(JSON.stringify(value))
}

function escaped(text: string): string {
  return text.replace(UNPRINTABLE, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
