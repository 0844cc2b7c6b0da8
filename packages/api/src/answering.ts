import { ROUTES, type Route, type RouteName } from '@p2poolv2/api/schema'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { complaint } from './complaint.ts'
import { refusal } from './gate/gate.ts'

type Asked<K extends RouteName, Part extends 'query' | 'params' | 'body'> = (typeof ROUTES)[K] extends {
  readonly [P in Part]: infer S extends z.ZodType
}
  ? z.output<S>
  : undefined

/** A request, checked against the schemas of its route. */
export interface Question<K extends RouteName> {
  readonly query: Asked<K, 'query'>
  readonly params: Asked<K, 'params'>
  readonly body: Asked<K, 'body'>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A request that cannot be answered; the message says why, and what to ask instead. */
export class NoAnswer extends Error {
  readonly code = 'no-answer'
  readonly status: 400 | 403 | 404 | 409 | 503

  constructor(status: 400 | 403 | 404 | 409 | 503, message: string) {
    super(message)
    this.status = status
  }
}

/** Serves one route of the table: what it is asked is checked there, and who may ask. */
export function answering<K extends RouteName>(
  server: FastifyInstance,
  name: K,
  answer: (question: Question<K>) => unknown
): void {
  const route: Route = ROUTES[name]
  server.route({
    method: route.method === 'get' ? 'GET' : 'POST',
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    config: { access: route.access, tokenInQuery: name === 'events' },
    handler: async (request, reply) => {
      const query = checked(route.query, withoutToken(request.query, name))
      const params = checked(route.params, request.params)
      const body = checked(route.body, request.body)
      const wrong = [query, params, body].find(part => part.error !== null)
      if (wrong !== undefined) return reply.code(400).send(refusal(wrong.error ?? ''))
      // The schemas are those of this route, so the values have its types.
      const asked = { query: query.value, params: params.value, body: body.value, request, reply } as Question<K>
      return answer(asked)
    }
  })
}

/** Streams may carry their login in the query; see the gate. */
function withoutToken(query: unknown, name: RouteName): unknown {
  if (name !== 'events') return query
  const { token: _token, ...rest } = query as Record<string, unknown>
  return rest
}

function checked(
  schema: z.ZodType | undefined,
  value: unknown
): { readonly value: unknown; readonly error: string | null } {
  if (schema === undefined) return { value: undefined, error: null }
  const parsed = schema.safeParse(value)
  return parsed.success ? { value: parsed.data, error: null } : { value: null, error: complaint(parsed.error, schema) }
}
