import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Broken, MEMORY_BYTES, MEMORY_BYTES_PER_BYTE, type Target } from './target.ts'

/** An input that takes longer, each of a few times, is a way to keep a node from its work. */
export const SLOW_MS = 250
/** Looks at an input whose first one was slow or took much: the collector and the compiler have turns of their own. */
const LOOKS = 4

setFlagsFromString('--expose-gc')
/** Clears away what is young and not held by anybody: else that happens in the middle of a look. */
const clearAway = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

/** What one input did. */
export interface Trial {
  readonly ms: number
  /** Null: not looked at. */
  readonly memoryBytes: number | null
  /** Null for what was read or refused as it should be. */
  readonly broken: string | null
}

/**
 * Reads an input and holds what was read against the laws.
 * @param look also at the memory it takes
 * @param values what was read is added to: nothing of an earlier look may be given back in the middle of this one
 */
export async function tryInput(
  target: Target,
  bytes: Uint8Array,
  look: 'memory' | 'time',
  values: unknown[] = []
): Promise<Trial> {
  const before = look === 'memory' ? heapBytes() : 0
  const fromMs = performance.now()
  let value: unknown
  let isRead = false
  let broken: string | null = null
  try {
    const reading = target.decode(bytes)
    value = reading instanceof Promise ? await reading : reading
    isRead = true
  } catch (error) {
    if (target.isRefusal?.(error) !== true) broken = `throws ${described(error)}`
  }
  const ms = performance.now() - fromMs
  const memoryBytes = look === 'memory' ? Math.max(0, heapBytes() - before) : null
  values.push(value)
  if (isRead && broken === null && target.laws !== undefined) broken = await brokenLaw(target, value, bytes)
  return { ms, memoryBytes, broken }
}

/** As `tryInput`, a few times: the shortest time, and memory as no more than one look saw more. */
export async function tryAgain(target: Target, bytes: Uint8Array): Promise<Trial> {
  const looks: Trial[] = []
  const values: unknown[] = []
  for (let i = 0; i < LOOKS; i++) {
    clearAway({ type: 'minor' })
    looks.push(await tryInput(target, bytes, 'memory', values))
  }
  const ms = Math.min(...looks.map(look => look.ms))
  // The collector in the middle of a look makes it say less, code that is compiled makes it say more.
  const [, memoryBytes = 0] = looks.map(look => look.memoryBytes ?? 0).sort((a, b) => b - a)
  const broken = looks.find(look => look.broken !== null)?.broken ?? null
  return { ms, memoryBytes, broken: broken ?? beyondBounds(target, bytes, { ms, memoryBytes }) }
}

/** Bytes that reading an input of this length may take. */
export function memoryBound(target: Target, length: number): number {
  return MEMORY_BYTES + (target.memoryBytes ?? 0) + MEMORY_BYTES_PER_BYTE * length
}

function beyondBounds(target: Target, bytes: Uint8Array, { ms, memoryBytes }: Omit<Trial, 'broken'>): string | null {
  if (ms > SLOW_MS) return `takes ${ms.toFixed(0)} ms`
  const bound = memoryBound(target, bytes.length)
  return (memoryBytes ?? 0) > bound ? `takes ${memoryBytes} bytes, and ${bound} are the bound` : null
}

async function brokenLaw(target: Target, value: unknown, bytes: Uint8Array): Promise<string | null> {
  try {
    await target.laws?.(value, bytes)
    return null
  } catch (error) {
    return error instanceof Broken ? error.message : `a law throws ${described(error)}`
  }
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const at = error.stack?.split('\n    at ').find(frame => /(packages|apps)\//.test(frame)) ?? ''
  return `${error.name}: ${error.message.slice(0, 300)}${at === '' ? '' : ` at ${at}`}`
}

function heapBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
