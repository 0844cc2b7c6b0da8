/** What the program that mutates says to the tests it runs, by an environment variable. */
export type Order = Switched | Alone

/** All changes are tried in turn within each test. */
export interface Switched {
  readonly how: 'switched'
  readonly files: readonly string[]
  /** Where tests write what they find out, a line of JSON each. */
  readonly notes: string
  /** Mutants that are decided. */
  readonly done: readonly number[]
  /** A test that takes more of a processor is passed over. Not by the clock: a busy computer makes every test slow. */
  readonly mostMs: number
  /** A file of JSON: by test, the mutants it did not notice before. */
  readonly left: string
}

/** One change is there from the first line on, in a process of its own. */
export interface Alone {
  readonly how: 'alone'
  readonly files: readonly string[]
  /** Null: none, to see that the tests pass. */
  readonly mutant: number | null
  /** By file of tests, how long one of them may take; for others as long as it likes. */
  readonly mostMs: Readonly<Record<string, number>>
}

/** A test that takes so many times what it took, and so much at least, waits for what a mutant never says. */
export const WAITS = 20
export const WAITS_MS = 4_000

const NAME = 'P2POOLV2_MUTATION'

export function orderEnv(order: Order): Readonly<Record<string, string>> {
  return { [NAME]: JSON.stringify(order) }
}

export function readOrder(): Order {
  const text = process.env[NAME]
  if (text === undefined) throw new Error('mutated tests are run by npm run mutate')
  return JSON.parse(text) as Order
}

/** A line of the notes. */
export type Note =
  /** The test came by these. `isTried`: false where it takes too long to be run for each, or does not pass twice. */
  | { readonly type: 'came-by'; readonly test: string; readonly mutants: readonly number[]; readonly isTried: boolean }
  /** Next this one is on: the last such line is what a process hangs at. */
  | { readonly type: 'trying'; readonly mutant: number }
  /** The test was tried on all it came by, and did not notice these. */
  | { readonly type: 'left'; readonly test: string; readonly mutants: readonly number[] }
  | { readonly type: 'noticed'; readonly mutant: number; readonly by: string }
