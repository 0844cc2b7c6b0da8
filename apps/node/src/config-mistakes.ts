import type { z } from 'zod'
import { CONFIG_KEYS, type ConfigKey, type RawConfig } from './settings.ts'

/** What is wrong with a configuration, a line for each mistake: the key, what stands there, and what to write instead. */
export function issueLines(issue: z.core.$ZodIssue, raw: RawConfig): string[] {
  const path = issue.path.map(String)
  const dotted = path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const schemaPath = path.filter(part => !/^\d+$/.test(part))
    const siblings = CONFIG_KEYS.filter(key => schemaPath.every((part, i) => key.path[i] === part)).map(
      key => key.path[schemaPath.length] ?? ''
    )
    return issue.keys.map(key => {
      const near = closestKey(key, [...new Set(siblings)])
      const name = [...path, key].join('.')
      return `unknown key "${name}"${near === null ? '' : `; did you mean "${[...path, near].join('.')}"?`}`
    })
  }
  const named = path.filter(part => !/^\d+$/.test(part)).join('.')
  const key = CONFIG_KEYS.find(({ path: known }) => known.join('.') === named)
  const expected = key === undefined ? sectionExpected(path) : expectation(key, issue, valueAt(path, raw))
  return [`${dotted}${shownValue(path, raw)}: ${expected}`]
}

function valueAt(path: readonly string[], raw: RawConfig): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? (value as RawConfig)[part] : undefined),
    raw
  )
}

/** The value as it was given, unless it may hold a password. */
function shownValue(path: readonly string[], raw: RawConfig): string {
  if (path.some(part => /^(url|user|password|auth_token|ntfy_token|webhook|ntfy)$/.test(part))) return ''
  const value = valueAt(path, raw)
  if (value === undefined || typeof value === 'object') return ''
  const text = JSON.stringify(value)
  return ` is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`
}

/** What to write instead, in words of the configuration and not of the library that checks it. */
function expectation(key: ConfigKey, issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.message.startsWith('must ')) return issue.message
  const {
    type,
    enum: choices,
    format,
    minimum,
    maximum,
    exclusiveMinimum,
    minLength,
    maxLength,
    maxItems
  } = key.schema.toJSONSchema()
  if (choices !== undefined) return `give one of ${choices.join(', ')}`
  if (type === 'boolean') return 'give true or false'
  if (type === 'array') {
    const isTooLong = Array.isArray(given) && maxItems !== undefined && given.length > maxItems
    return isTooLong ? `give at most ${maxItems}` : 'give a list of texts, like ["one", "two"]'
  }
  if (type === 'integer' || type === 'number') {
    const kind = type === 'integer' ? 'a whole number' : 'a number'
    const from =
      exclusiveMinimum === undefined ? (minimum === undefined ? '' : ` from ${minimum}`) : ` above ${exclusiveMinimum}`
    const to = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`
    return `give ${kind}${from}${to}`
  }
  if (given === undefined) return `is missing. ${key.description}`
  if (typeof given !== 'string') return 'give text in quotes'
  if (given === '') return 'must not be empty'
  // The description of another key has no example, and that of a bitcoin node would be none for it.
  if (format === 'uri')
    return `give an address like ${key.path[0] === 'bitcoind' ? 'http://127.0.0.1:8332' : 'https://example.org/path'}. ${key.description}`
  if (minLength !== undefined && minLength === maxLength) return `must have exactly ${minLength} characters`
  return maxLength === undefined ? key.description : `must have at most ${maxLength} characters`
}

/** What stands where a section belongs. */
function sectionExpected(path: readonly string[]): string {
  return path[0] === 'bitcoind'
    ? 'write a section [[bitcoind]], with two brackets, for each bitcoin node'
    : `is a section: write its keys below a line [${path.join('.')}]`
}

/** The known key most like a mistyped one, or null when nothing is close. */
export function closestKey(wrong: string, known: readonly string[]): string | null {
  const farthest = Math.max(2, Math.floor(wrong.length / 3))
  const [best] = known
    // What differs more in length alone is not looked at: a name may be of any length.
    .filter(key => Math.abs(key.length - wrong.length) <= farthest)
    .map(key => ({ key, distance: editDistance(wrong.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  return best === undefined || best.distance > farthest ? null : best.key
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
