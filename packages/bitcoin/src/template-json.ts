import { hexToBytes } from '@p2poolv2/primitives'

/** A field of bitcoind's answer is not as it must be. Thrown by the readers below, caught in `parseTemplate`. */
export class TemplateFieldError extends Error {
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`)
    this.name = 'TemplateFieldError'
  }
}

/** Searched for, not matched to the end: a whole-string pattern over megabytes would keep a step for every digit. */
const NOT_HEX = /[^0-9a-fA-F]/
const HASH = /^[0-9a-fA-F]{64}$/

/** One JSON object whose members are read by name, each checked, each failure naming its path. */
export class JsonObject {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #path: string

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TemplateFieldError(path === '' ? 'template' : path, 'is not an object')
    }
    this.#members = value as Readonly<Record<string, unknown>>
    this.#path = path
  }

  /** An integer from `range[0]` to `range[1]`. */
  integer(name: string, range: readonly [number, number]): number {
    const value = this.#member(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.error(name, 'is not an integer')
    if (value < range[0] || value > range[1]) throw this.error(name, `is not from ${range[0]} to ${range[1]}`)
    return value
  }

  optionalInteger(name: string, range: readonly [number, number]): number | null {
    return this.has(name) ? this.integer(name, range) : null
  }

  /** 64 hex digits, in lower case. */
  hash(name: string): string {
    const value = this.#member(name)
    if (typeof value !== 'string' || !HASH.test(value)) throw this.error(name, 'is not 64 hex digits')
    return value.toLowerCase()
  }

  /** Whole bytes as hex. */
  hex(name: string, maxBytes: number): string {
    const value = this.#member(name)
    if (typeof value !== 'string' || value.length > maxBytes * 2 || value.length % 2 === 1 || NOT_HEX.test(value)) {
      throw this.error(name, `is not hex of at most ${maxBytes} bytes`)
    }
    return value
  }

  optionalBytes(name: string, maxBytes: number): Uint8Array | null {
    return this.has(name) ? hexToBytes(this.hex(name, maxBytes)) : null
  }

  optionalText(name: string, maxLength: number): string | null {
    if (!this.has(name)) return null
    const value = this.#member(name)
    if (typeof value !== 'string' || value.length > maxLength) {
      throw this.error(name, `is not text of at most ${maxLength} characters`)
    }
    return value
  }

  array(name: string, maxItems: number): readonly unknown[] {
    const value = this.#member(name)
    if (!Array.isArray(value)) throw this.error(name, 'is not an array')
    if (value.length > maxItems) throw this.error(name, `has more than ${maxItems} items`)
    return value
  }

  object(name: string): JsonObject {
    return new JsonObject(this.#member(name), this.#pathOf(name))
  }

  /** Whether the member is there at all; JSON's null counts as absent. */
  has(name: string): boolean {
    return Object.hasOwn(this.#members, name) && this.#members[name] !== null
  }

  error(name: string, problem: string): TemplateFieldError {
    return new TemplateFieldError(this.#pathOf(name), problem)
  }

  #member(name: string): unknown {
    if (!this.has(name)) throw this.error(name, 'is missing')
    return this.#members[name]
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}
