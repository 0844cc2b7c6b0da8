import { z } from 'zod'

interface Described {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
}

/** What is wrong with what was asked, in words of the question: which parameter, and what to give instead. */
export function complaint(error: z.ZodError, schema: z.ZodType): string {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as {
    readonly properties?: Readonly<Record<string, Described>>
  }
  return error.issues.map(issue => sentence(issue, properties)).join('; ')
}

function sentence(issue: z.core.$ZodIssue, properties: Readonly<Record<string, Described>>): string {
  if (issue.code === 'unrecognized_keys')
    return `there is no parameter ${issue.keys.join(', ')}; there are: ${Object.keys(properties).join(', ') || 'none'}`
  const name = issue.path.map(String).join('.')
  const about = name === '' ? 'the request' : name
  // Only what was written for people begins in lower case.
  if (/^[a-z]/.test(issue.message)) return `${about}: ${issue.message}`
  const { type, enum: choices, minimum, maximum } = properties[name] ?? {}
  if (issue.code === 'invalid_value') return `${about}: give one of ${(choices ?? issue.values).map(String).join(', ')}`
  if (type !== 'integer' && type !== 'number') return `${about}: ${issue.message}`
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  const range = [minimum === undefined ? '' : ` from ${minimum}`, most === undefined ? '' : ` to ${most}`].join('')
  return `${about}: give ${type === 'integer' ? 'a whole number' : 'a number'}${range}`
}
