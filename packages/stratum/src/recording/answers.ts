import { asciiJson } from '../v1/messages.ts'

/**
 * What a line that the node wrote comes to, told apart by what firmware acts on: which request it answers and how, or which
 * notification it is. Job ids, coinbases and texts of errors are left out: they differ from run to run, and from version to
 * version.
 */
export interface Answer {
  /** As people read it, such as `4: error 23` or `notify, clean`. */
  readonly kind: string
  /** Of a `mining.set_difficulty`; null for anything else. */
  readonly difficulty: number | null
}

/** Difficulties are the same within this factor: the time of a share counts in them, and is never quite the same again. */
const SAME_DIFFICULTY = 1.25

export type WireObject = Readonly<Partial<Record<'id' | 'method' | 'params' | 'result' | 'error', unknown>>>

/** A recorded line as JSON; null when it is no JSON object. */
export function wireObject(line: string): WireObject | null {
  try {
    const json: unknown = JSON.parse(line)
    return typeof json === 'object' && json !== null ? json : null
  } catch {
    // A miner may say anything.
    return null
  }
}

/** @param line one that the node wrote, without its end */
export function answerOf(line: string): Answer {
  const json = wireObject(line)
  if (json === null) return { kind: 'not JSON', difficulty: null }
  const { id, method, params, result, error } = json
  if (typeof method === 'string') return notification(method, params)
  const of = typeof id === 'string' ? asciiJson(id) : JSON.stringify(id)
  const code: unknown = Array.isArray(error) ? error[0] : null
  const kind = code === null ? resultKind(result) : `error ${String(code)}`
  return { kind: `${of}: ${kind}`, difficulty: null }
}

function notification(method: string, params: unknown): Answer {
  const values: readonly unknown[] = Array.isArray(params) ? params : []
  if (method === 'mining.set_difficulty') return { kind: 'set_difficulty', difficulty: Number(values[0]) }
  if (method === 'mining.notify') return { kind: values[8] === true ? 'notify, clean' : 'notify', difficulty: null }
  return { kind: method, difficulty: null }
}

function resultKind(result: unknown): string {
  const isSubscription = Array.isArray(result) && result.length === 3 && Array.isArray(result[0])
  if (isSubscription) return `subscribed, ${String(result[2])} bytes to search`
  return String(JSON.stringify(result))
}

export function isSameAnswer(a: Answer, b: Answer): boolean {
  if (a.kind !== b.kind) return false
  if (a.difficulty === null || b.difficulty === null) return a.difficulty === b.difficulty
  return a.difficulty <= b.difficulty * SAME_DIFFICULTY && b.difficulty <= a.difficulty * SAME_DIFFICULTY
}

export function answerText({ kind, difficulty }: Answer): string {
  return difficulty === null ? kind : `${kind} ${difficulty}`
}

/** An answer with when it came, in milliseconds since the recording began. */
export interface Timed<T> {
  readonly at: number
  readonly item: T
}

/** With one of them null it is missing there; with both it is the one instead of the other. */
export interface Difference {
  readonly at: number
  readonly recorded: Answer | null
  readonly replayed: Answer | null
}

/** How far to look for where two orders meet again. */
const LOOK_AHEAD = 64

/** What is in one order of answers and not in the other, in their order. */
export function differences(
  recorded: readonly Timed<Answer>[],
  replayed: readonly Timed<Answer>[]
): readonly Difference[] {
  const found: Difference[] = []
  let i = 0
  let j = 0
  while (i < recorded.length || j < replayed.length) {
    const a = recorded[i]
    const b = replayed[j]
    if (a !== undefined && b !== undefined && isSameAnswer(a.item, b.item)) {
      i += 1
      j += 1
      continue
    }
    const [skipA, skipB] = nextMeeting(recorded.slice(i, i + LOOK_AHEAD), replayed.slice(j, j + LOOK_AHEAD))
    for (let k = 0; k < Math.max(skipA, skipB); k++) {
      const was = k < skipA ? recorded[i + k] : undefined
      const is = k < skipB ? replayed[j + k] : undefined
      found.push({ at: was?.at ?? is?.at ?? 0, recorded: was?.item ?? null, replayed: is?.item ?? null })
    }
    i += skipA
    j += skipB
  }
  return found
}

/** How many of each to leave out until both go on alike; all of them where they do not meet. */
function nextMeeting(a: readonly Timed<Answer>[], b: readonly Timed<Answer>[]): readonly [number, number] {
  for (let skipped = 1; skipped < a.length + b.length; skipped++) {
    for (let ofA = Math.max(0, skipped - b.length + 1); ofA <= Math.min(skipped, a.length - 1); ofA++) {
      const one = a[ofA]
      const other = b[skipped - ofA]
      if (one !== undefined && other !== undefined && isSameAnswer(one.item, other.item)) return [ofA, skipped - ofA]
    }
  }
  return [a.length, b.length]
}
