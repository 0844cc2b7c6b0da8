import { z } from 'zod'
import { ROUTES, type Route } from './routes.ts'
import { errorSchema } from './status.ts'

type Json = { readonly [key: string]: unknown }

/** Why a request may be refused; every refusal has the same shape. */
const REFUSALS: Readonly<Record<string, string>> = {
  400: 'The request is not as described here.',
  403: 'It comes from a page of another site, or only the owner may ask, with his login or token.',
  401: 'A login or token is needed.',
  404: 'There is no such thing.',
  421: 'Asked by a host name that is not this node’s.',
  429: 'Too many requests: see Retry-After.',
  503: 'Not now: see Retry-After.'
}

/** The description of the API as OpenAPI 3.1, made from the schemas that make its answers. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    const methods = paths[route.path] ?? {}
    paths[route.path] = { ...methods, [route.method]: operation(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'P2Poolv2 node',
      version,
      description:
        'Amounts are satoshis, hash rates hashes a second, times unix seconds. Whole numbers that may exceed 2^53 are text.'
    },
    paths,
    components: {
      schemas: { Error: schemaOf(errorSchema) },
      securitySchemes: {
        login: { type: 'http', scheme: 'basic', description: 'api.auth_user; only if one is configured.' },
        token: { type: 'http', scheme: 'bearer', description: 'The token of running.json in the data directory.' }
      }
    }
  }
}

const SECURITY: Readonly<Record<Route['access'], readonly Json[]>> = {
  open: [{}],
  read: [{}, { login: [] }],
  owner: [{}, { login: [] }, { token: [] }],
  secret: [{ login: [] }, { token: [] }],
  command: [{ login: [] }, { token: [] }]
}

function operation(operationId: string, { summary, query, params, body, answer, access }: Route): Json {
  const parameters = [...parametersOf('path', params), ...parametersOf('query', query)]
  const isJson = answer instanceof z.ZodType
  return {
    operationId,
    summary,
    security: SECURITY[access],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonContent(schemaOf(body)) } }),
    responses: {
      200: isJson
        ? { description: 'OK', content: jsonContent(schemaOf(answer)) }
        : { description: answer.description, content: { [answer.type]: { schema: { type: 'string' } } } },
      ...Object.fromEntries(
        Object.entries(REFUSALS).map(([code, description]) => [
          code,
          { description, content: jsonContent({ $ref: '#/components/schemas/Error' }) }
        ])
      )
    }
  }
}

function jsonContent(schema: Json): Json {
  return { 'application/json': { schema } }
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return []
  const { properties = {} } = schemaOf(schema) as { properties?: Record<string, Json> }
  return Object.entries(properties).map(([name, { description, ...type }]) => ({
    name,
    in: place,
    required: place === 'path',
    description,
    schema: type
  }))
}

/** JSON schema of what is sent: amounts as numbers, not as the bigint they are decoded to. */
export function schemaOf(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}
