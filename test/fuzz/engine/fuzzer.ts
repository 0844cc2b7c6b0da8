import { type SeededRng, seededRng } from '@p2poolv2/primitives'
import { below, changed, type Material, tokensOf } from './change.ts'
import type { Coverage } from './coverage.ts'
import type { Target } from './target.ts'
import { memoryBound, tryAgain, tryInput } from './trial.ts'

/** Inputs kept because they came by something new; at the cap a new one takes the place of another by chance. */
const MAX_KEPT = 4_096
/** Faults of a target told apart. */
const MAX_BREAKS = 20
/** Every so many inputs one is looked at for the memory it takes. */
const MEMORY_EVERY = 64
const TOKENS_EVERY = 20_000

interface Kept {
  readonly bytes: Uint8Array
  picks: number
}

/** Something that does not hold, with the shortest input found for it. */
export interface Break {
  readonly what: string
  readonly bytes: Uint8Array
}

export interface FuzzFigures {
  readonly inputs: number
  readonly edges: number
  readonly kept: number
  readonly slowestMs: number
  readonly slowestBytes: number
  /** Most that reading took, as a part of what it may take. */
  readonly memoryPart: number
  readonly breaks: readonly Break[]
}

export interface FuzzerOptions {
  readonly target: Target
  /** Installed before the target's sources were loaded. */
  readonly coverage: Coverage
  readonly seed: string
  /** Inputs of earlier runs. */
  readonly corpus: readonly Uint8Array[]
  /** Told of every input before it is tried: whoever ends this process then knows what it was at. */
  readonly onInput?: (bytes: Uint8Array) => void
  /** Told of every input that is kept. */
  readonly onKept?: (bytes: Uint8Array) => void
}

/** Changes inputs that came by something new, again and again, and looks what each of them does. */
export class Fuzzer {
  readonly #options: FuzzerOptions
  readonly #rng: SeededRng
  readonly #kept: Kept[] = []
  readonly #breaks = new Map<string, Break>()
  #first: Uint8Array[]
  #tokens: readonly Uint8Array[] = []
  #inputs = 0
  #slowest = { ms: 0, bytes: 0 }
  #memoryPart = 0

  constructor(options: FuzzerOptions) {
    this.#options = options
    this.#rng = seededRng(`${options.target.name} ${options.seed}`)
    this.#first = [...options.target.seeds(), ...options.corpus].reverse()
  }

  get figures(): FuzzFigures {
    return {
      inputs: this.#inputs,
      edges: this.#options.coverage.edges,
      kept: this.#kept.length,
      slowestMs: this.#slowest.ms,
      slowestBytes: this.#slowest.bytes,
      memoryPart: this.#memoryPart,
      breaks: [...this.#breaks.values()]
    }
  }

  /** Tries one input. */
  async step(): Promise<void> {
    const { target, coverage } = this.#options
    const first = this.#first.pop()
    if (this.#inputs % TOKENS_EVERY === 0 || this.#first.length === 1) this.#tokens = tokensOf(coverage.tokens())
    const bytes = first ?? this.#next()
    this.#inputs += 1
    this.#options.onInput?.(bytes)
    coverage.begin()
    const trial = await tryInput(target, bytes, this.#inputs % MEMORY_EVERY === 0 ? 'memory' : 'time')
    const { features } = coverage.take()
    const isNew = features > 0
    if (isNew) this.#keep(bytes, first === undefined)
    const tookMuch = (trial.memoryBytes ?? 0) / memoryBound(target, bytes.length) > this.#memoryPart
    if (isNew || tookMuch || trial.ms > this.#slowest.ms || trial.broken !== null) await this.#lookAgain(bytes)
  }

  #next(): Uint8Array {
    const { target } = this.#options
    const material: Material = {
      rng: this.#rng,
      tokens: this.#tokens,
      maxBytes: target.maxBytes,
      other: () => this.#kept[below({ rng: this.#rng }, this.#kept.length)]?.bytes ?? new Uint8Array(0)
    }
    const [one, other] = [this.#anyKept(), this.#anyKept()]
    const chosen = (one?.picks ?? 0) <= (other?.picks ?? 0) ? one : other
    if (chosen !== undefined) chosen.picks += 1
    const bytes = changed(chosen?.bytes ?? new Uint8Array(0), material)
    // Now and then as it is, so that what looks at checksums is looked at as well.
    return target.mend === undefined || below(material, 8) === 0 ? bytes : target.mend(bytes)
  }

  #anyKept(): Kept | undefined {
    return this.#kept[below({ rng: this.#rng }, this.#kept.length)]
  }

  #keep(bytes: Uint8Array, isOwn: boolean): void {
    const entry = { bytes: bytes.slice(), picks: 0 }
    if (this.#kept.length < MAX_KEPT) this.#kept.push(entry)
    else this.#kept[below({ rng: this.#rng }, MAX_KEPT)] = entry
    if (isOwn) this.#options.onKept?.(entry.bytes)
  }

  async #lookAgain(bytes: Uint8Array): Promise<void> {
    const { target } = this.#options
    const { ms, memoryBytes, broken } = await tryAgain(target, bytes)
    if (ms > this.#slowest.ms) this.#slowest = { ms, bytes: bytes.length }
    this.#memoryPart = Math.max(this.#memoryPart, (memoryBytes ?? 0) / memoryBound(target, bytes.length))
    if (broken === null) return
    const kind = broken.replace(/[0-9a-f]{8,}|\d+/g, '#')
    const known = this.#breaks.get(kind)
    if (known === undefined ? this.#breaks.size >= MAX_BREAKS : known.bytes.length <= bytes.length) return
    this.#breaks.set(kind, { what: broken, bytes: bytes.slice() })
  }
}
