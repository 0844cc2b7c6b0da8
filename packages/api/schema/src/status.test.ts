import { expect, it } from 'vitest'
import { z } from 'zod'
import { statusSchema } from './status.ts'

interface JsonSchema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

/** Paths of fields without a description. */
function undescribed({ properties = {}, items }: JsonSchema, path = ''): string[] {
  const below = Object.entries(properties).flatMap(([name, field]) => [
    ...(field.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(field, `${path}.${name}`)
  ])
  return items === undefined ? below : [...below, ...undescribed(items, `${path}[]`)]
}

it('is a JSON schema as OpenAPI 3.1 takes it, and every field says what it means', () => {
  const schema = z.toJSONSchema(statusSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema
  expect(Object.keys(schema.properties ?? {})).toHaveLength(13)
  expect(undescribed(schema)).toEqual([])
  expect(schema.properties?.['window']?.items?.properties?.['weight']).toMatchObject({ type: 'string' })
  expect(schema.properties?.['window']?.items?.properties?.['payoutSats']).toMatchObject({
    type: 'integer',
    minimum: 0
  })
})
