import { EVENT_SCHEMAS, openApiDocument, ROUTES, type Route } from '../../packages/api/schema/src/index.ts'
import { schemaOf } from '../../packages/api/schema/src/openapi.ts'
import { code, type Page, pageText, table } from './page.ts'

interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly description: string; readonly schema: JsonSchema }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: { readonly 200: { readonly description: string; readonly content: Content } }
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>

/** Every route of `/v1` and beside it, with what each field means. */
export function apiPage(): Page {
  const paths = openApiDocument('')['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>
  const routes = Object.values<Route>(ROUTES)
  return {
    path: 'docs/api.md',
    text: pageText({
      title: 'API',
      source: 'packages/api/schema and the text in scripts/docs/api-page.ts',
      parts: [
        PREFACE,
        table({
          head: ['route', 'what it tells or does', 'who may'],
          rows: routes.map(({ method, path, summary, access }) => [
            code(`${method.toUpperCase()} ${path}`),
            summary,
            WHO[access]
          ])
        }),
        ...routes.flatMap(route => routeParts(route, paths[route.path]?.[route.method] as Operation)),
        EVENTS,
        ...Object.entries(EVENT_SCHEMAS)
          .filter(([name]) => name === 'figures' || name === 'share' || name === 'timeline')
          .flatMap(([name, schema]) => [`### Event ${code(name)}`, fieldsTable(schemaOf(schema) as JsonSchema)]),
        OTHERS
      ]
    })
  }
}

const WHO: Readonly<Record<Route['access'], string>> = {
  open: 'everybody',
  read: 'readers',
  owner: 'the owner, or this computer',
  secret: 'the owner',
  command: 'the owner'
}

function routeParts({ method, path, summary }: Route, operation: Operation): string[] {
  const { parameters = [], requestBody, responses } = operation
  const answer = Object.entries(responses[200].content)[0]
  const body = requestBody?.content['application/json']?.schema
  return [
    `## ${method.toUpperCase()} ${path}`,
    `${summary}.`,
    ...(parameters.length === 0
      ? []
      : [
          table({
            head: ['parameter', 'type', 'default', 'meaning'],
            rows: parameters.map(({ name, schema, description }) => [
              code(name),
              typeOf(schema),
              schema.default === undefined || Array.isArray(schema.default) ? '–' : code(String(schema.default)),
              description
            ])
          })
        ]),
    ...(body === undefined ? [] : ['The body:', fieldsTable(body)]),
    ...(answer === undefined
      ? []
      : answer[0] === 'application/json'
        ? [fieldsTable(answer[1].schema)]
        : [`Answers ${code(answer[0])}: ${responses[200].description}.`])
  ]
}

function fieldsTable(schema: JsonSchema): string {
  return table({ head: ['field', 'type', 'meaning'], rows: fieldsOf(schema, '') })
}

/** Fields by dotted path, lists marked with `[]`. */
function fieldsOf({ properties = {}, anyOf = [], items }: JsonSchema, path: string): string[][] {
  const below = Object.entries(properties).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`
    return [[code(at), typeOf(field), field.description ?? ''], ...fieldsOf(field, at)]
  })
  return [
    ...below,
    ...anyOf.flatMap(choice => fieldsOf(choice, path)),
    ...(items === undefined ? [] : fieldsOf(items, `${path}[]`))
  ]
}

function typeOf(schema: JsonSchema): string {
  const { type, anyOf, items } = schema
  if (schema.enum !== undefined) return schema.enum.map(value => code(String(value))).join(', ')
  if (schema.const !== undefined) return code(String(schema.const))
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  if (type === 'array') return `list of ${items === undefined ? 'values' : typeOf(items)}`
  return TYPES[type ?? ''] ?? 'value'
}

const TYPES: Readonly<Record<string, string>> = {
  integer: 'whole number',
  number: 'number',
  string: 'text',
  boolean: '`true`, `false`',
  object: 'object',
  null: '`null`'
}

const PREFACE = `The node answers on the API port, 46884 unless set otherwise, over plain HTTP and on this computer only: see \`[api]\` of the
[configuration](config.md). \`/openapi.json\` has what follows as OpenAPI 3.1. Amounts are satoshis, hash rates hashes a second, difficulties
relative to bitcoin's difficulty 1, times unix seconds; whole numbers that may exceed 2^53 are text. Fields are added; one that was
published keeps its meaning. Every refusal is \`{"error": "…"}\` and says what to do.

**Who may.** Without a login whoever reaches the port may read. With \`api.auth_user\` and \`api.auth_token\` every request but the page
itself, \`/livez\` and \`/readyz\` needs HTTP Basic authorization; \`api.lan_reads\` lets the local network read without it. What changes
the node is for the owner: the login, or the token in \`running.json\` of the data directory as a Bearer token. A token is made with

\`\`\`sh
salt=$(openssl rand -hex 16)
echo "$salt\\$$(printf %s 'YOUR PASSWORD' | openssl dgst -sha256 -hmac "$salt" | sed 's/.*= //')"
\`\`\`

Browsers can give no header to a stream or a WebSocket: \`/v1/events\` and \`/ws\` take the login as \`?token=\`, base64 of
\`user:password\`. Requests by a host name that is neither an address, \`localhost\`, \`*.local\` nor in \`api.host_names\` are refused
(421): a page of another site must not reach the node through a browser. Pages of other sites read nothing unless \`api.cors_allowed\`
is set. An address may ask 50 times a second, 300 times at once, and take a twentieth of the node's time (429). On the computer of the
node, by \`localhost\`, neither is counted; who has the login or the token is not held to the time.`

const EVENTS = `## Events

\`/v1/events\` sends what \`topics\` names: \`status\` (as \`/v1/status\`, once a second where it changed), \`figures\` (every two seconds),
\`earnings\` (as \`/v1/earnings\`, every ten), \`share\` (each share as it is confirmed) and \`timeline\`. The first three are sent at
once as well. Entries of the timeline have their \`id\`, so a browser that reconnects gets what it missed. While thousands of shares come,
as in a sync, the newest twenty of each second are told. A viewer that does not read is disconnected.`

const OTHERS = `## For tools made for others

**The reference node.** Its routes answer as they do there, hashes in display order, errors alike: \`/health\`, \`/metrics\`, \`/chain_info\`,
\`/shares\`, \`/candidates\`, \`/share_headers\`, \`/share\`, \`/dag\`, \`/transaction\`, \`/peers\`, \`/blocked_ips\` (GET, POST, DELETE),
\`/pplns_shares\` (empty: only its other mode fills it), \`/dashboard\`, and the WebSocket \`/ws\` with the topics \`shares\` and \`peers\`.
What differs:

- Headers are those of the 2026-10 revision: \`miner_bitcoin_address\`, \`miner_address\` and \`coinbase_proof\` are there, \`coinbase_value\`
  and the others of July are not; \`merkle_root\` of \`/share\` is the share's witness root, which commits to its transactions.
- There is no index of transactions: \`/transaction\` looks through the newest 2,000 shares.
- Blocking an address needs the login or the token, disconnects it at once, and lasts a year or until it is unblocked.
- A WebSocket that a page of another site opens is refused (403).

**public-pool.** \`/api/info\`, \`/api/info/chart\`, \`/api/pool\`, \`/api/network\`, \`/api/client/{address}\`, its \`/chart\`, and a worker's and a
session's below it. A worker counts as one session; charts have a point each ten minutes of the last day; which firmware found a best
hash is not kept and reads 0; \`networkhashps\` follows from the difficulty.

**ckpool.** \`/pool/pool.status\` and \`/users/{address}\` have what ckpool writes into files of these names.`
