import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EVENT_SCHEMAS } from './events.ts'
import { openApiDocument, schemaOf } from './openapi.ts'
import { ROUTES, type Route } from './routes.ts'

interface JsonSchema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** Paths of fields without a description. */
function undescribed({ properties = {}, items, anyOf = [] }: JsonSchema, path = ''): string[] {
  const below = Object.entries(properties).flatMap(([name, field]) => [
    ...(field.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(field, `${path}.${name}`)
  ])
  const within = anyOf.flatMap(choice => undescribed(choice, path))
  return [...below, ...within, ...(items === undefined ? [] : undescribed(items, `${path}[]`))]
}

describe('every route', () => {
  it.each(Object.entries<Route>(ROUTES))('%s says what each of its fields means', (_name, route) => {
    const schemas = [route.query, route.params, route.body, route.answer].filter(schema => schema instanceof z.ZodType)
    expect(schemas.flatMap(schema => undescribed(schemaOf(schema) as JsonSchema))).toEqual([])
  })

  it.each(Object.entries(EVENT_SCHEMAS))('and every event: %s', (_name, schema) => {
    expect(undescribed(schemaOf(schema) as JsonSchema)).toEqual([])
  })
})

describe('the OpenAPI document', () => {
  const document = openApiDocument('1.2.3')

  it('is plain JSON of version 3.1 with an operation for each route', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document)
    const paths = document['paths'] as Record<string, Record<string, { operationId: string }>>
    const ids = Object.values(paths).flatMap(methods => Object.values(methods).map(({ operationId }) => operationId))
    expect(document['openapi']).toBe('3.1.0')
    expect(ids.sort()).toEqual(Object.keys(ROUTES).sort())
  })

  it('names every parameter that stands in a path', () => {
    for (const { path, params } of Object.values<Route>(ROUTES)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(named).toEqual(Object.keys(params?.shape ?? {}))
    }
  })
})
