import { z } from 'zod'
import { configSchema } from './config-schema.ts'

/** One settable key: its dotted path, its schema and its meaning. */
export interface ConfigKey {
  readonly path: readonly string[]
  readonly schema: z.ZodType
  readonly description: string
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.unwrap() as z.ZodType)
  }
  return schema
}

function keysOf(schema: z.ZodType, path: readonly string[], description: string): ConfigKey[] {
  const bare = unwrapped(schema)
  if (bare instanceof z.ZodObject) {
    return Object.entries(bare.shape).flatMap(([key, child]) => {
      const childSchema = child as z.ZodType
      return keysOf(childSchema, [...path, key], childSchema.description ?? '')
    })
  }
  if (bare instanceof z.ZodArray) return keysOf(bare.element as z.ZodType, path, description)
  return [{ path, schema: bare, description }]
}

/** Every key of the configuration, in the order of the schema. `bitcoind` keys are those of one entry. */
export const CONFIG_KEYS: readonly ConfigKey[] = keysOf(configSchema, [], '')

/** Turns the text of an environment variable or flag into what the key's schema expects. */
export function valueFromText(key: ConfigKey, text: string): unknown {
  if (key.schema instanceof z.ZodNumber) {
    const value = Number(text)
    return text.trim() === '' || Number.isNaN(value) ? text : value
  }
  return text
}

/** The known key most like a mistyped one, or null when nothing is close. */
export function closestKey(wrong: string, known: readonly string[]): string | null {
  const [best] = known
    .map(key => ({ key, distance: editDistance(wrong.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  if (best === undefined || best.distance > Math.max(2, Math.floor(wrong.length / 3))) return null
  return best.key
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
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
