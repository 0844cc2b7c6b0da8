import type { z } from 'zod'
import type { Sheet } from '../cli/style.ts'
import type { Terminal } from '../cli/terminal.ts'
import { ConfigError } from '../config.ts'
import { type NodeAt, type RunningNodeClient, theRunningNode } from './running-node.ts'

/** One question to the API of the running node, and how a person is shown the answer. */
export interface Question<S extends z.ZodType> {
  readonly path: string
  readonly schema: S
  readonly view: (answer: z.input<S>, sheet: Sheet) => readonly string[]
  readonly withinMs?: number
}

export type Form = 'json' | 'human'

/** Asks the running node and shows the answer: to a program as it came, to a person as a view. @returns the answer */
export async function ask<S extends z.ZodType>(
  at: NodeAt,
  question: Question<S>,
  { form, terminal }: { readonly form: Form; readonly terminal: Terminal }
): Promise<z.input<S>> {
  const node = await theRunningNode(at)
  const { text, answer } = await answerOf(node, question)
  terminal.say(form === 'json' ? text : question.view(answer, terminal.sheet()))
  return answer
}

/** @throws ConfigError where the node is of another version and answers otherwise */
export async function answerOf<S extends z.ZodType>(
  node: RunningNodeClient,
  { path, schema, withinMs }: Omit<Question<S>, 'view'>
): Promise<{ readonly text: string; readonly answer: z.input<S> }> {
  const text = await node.text(path, withinMs === undefined ? {} : { withinMs })
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (cause) {
    throw new ConfigError(`what answers at ${node.url} is no node of this kind: name another port with --api-port`, {
      cause
    })
  }
  if (!schema.safeParse(answer).success)
    throw new ConfigError(`the node at ${node.url} is of another version than this program: restart it, then ask again`)
  return { text, answer: answer as z.input<S> }
}

/** A path with those of the parameters that are given. */
export function pathWith(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] satisfies [string, string]]
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}
