import type { GossipFact } from '@p2poolv2/gossip'
import type { NodeFact } from '@p2poolv2/node'
import type { Clock, Log, Message } from '@p2poolv2/runtime'
import { LogGate } from './log-gate.ts'
import { printable } from './printable.ts'

type Fact = NodeFact | GossipFact
type Fields = Readonly<Record<string, unknown>>

/** Lines of facts. What miners and peers can cause is let through a few times, then once in ten seconds; what is kept back appears at level debug. */
export class FactLog {
  readonly #log: Log
  readonly #clock: Clock
  readonly #gate = new LogGate()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** @param more fields that the fact does not have */
  info(fact: Fact, sentence: string, more: Fields = {}): void {
    const fields = this.#gated(fact, sentence, more)
    if (fields !== null) this.#log.info(fields, sentence)
  }

  warn(fact: Fact, message: Message<'warn'>, more: Fields = {}): void {
    const fields = this.#gated(fact, message.says, more)
    if (fields !== null) this.#log.warn(message, fields)
  }

  /** @returns null for what is kept back */
  #gated(fact: Fact, sentence: string, more: Fields): Fields | null {
    const fields = { ...more, ...fieldsOf(fact) }
    const passed = this.#gate.pass(fact.type, this.#clock.now().steadyMs)
    if (passed === null) this.#log.debug(fields, sentence)
    if (passed === null || passed.suppressed === 0) return passed === null ? null : fields
    return { ...fields, suppressed: passed.suppressed }
  }
}

/** A fact's fields for the log: texts from outside made harmless, bigints as text. */
export function fieldsOf({ type: _type, ...fields }: Fact): Record<string, unknown> {
  return safe(fields)
}

/** Log fields with texts from outside made harmless, and bigints as text. */
export function safe(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (typeof value === 'bigint') return [name, value.toString()]
      return [name, typeof value === 'string' ? printable(value) : value]
    })
  )
}
