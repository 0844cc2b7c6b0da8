import { expect, it } from 'vitest'
import { asBytes, tokensOf } from './change.ts'
import { corpusText, parseCorpus } from './corpus-text.ts'
import { Coverage } from './coverage.ts'
import { distilled } from './distil.ts'
import { Fuzzer } from './fuzzer.ts'
import { instrument } from './instrument.mjs'
import { hold, type Target } from './target.ts'
import { tryAgain } from './trial.ts'

const coverage = new Coverage().install()

/** A program of its own: what its instrumented text returns. */
function loaded<T>(source: string): T {
  const { text } = instrument(source, `${source.length}.ts`)
  return new Function(text)() as T
}

/** How often each place was come by is what a run without them says as well. */
it('leaves a program as it is, and tells which of its places it came by', () => {
  const source = [
    'const seen: string[] = []',
    'const f = (n: number): number => n > 1 ? n * f(n - 1) : 1',
    'class A { constructor(readonly a = 1) {} get b(): number { return this.a ?? 2 } }',
    'for (const n of [1, 2]) if (n > 1) seen.push("two")',
    'else for (let i = 0; i < 2; i++) seen.push("one")',
    'switch (f(3)) { case 6: seen.push("six"); break; default: seen.push("no") }',
    'try { throw new Error("x") } catch { seen.push("caught") }',
    'while (seen.length < 6 || false) { seen.push("more"); continue }',
    'return [seen, f(5), new A(7).b, ((x) => x && "y")(""), (() => ({ z: 1 }))().z]'
  ].join('\n')
  coverage.reset()
  coverage.begin()
  expect(
    loaded(source.replace('readonly a = 1) {}', 'a = 1) { this.a = a }').replace('class A {', 'class A { a: number;'))
  ).toEqual([['one', 'one', 'two', 'six', 'caught', 'more'], 120, 7, '', 1])
  const { features, edges } = coverage.take()
  expect(edges).toBe(15)
  expect(features).toBe(edges)
  expect(coverage.take()).toEqual({ features: 0, edges: 0 })
  expect(coverage.tokens()).toEqual(expect.arrayContaining(['two', 'caught', '6']))
})

interface Parser {
  readonly read: (bytes: Uint8Array) => number
}

/** Four bytes that no seed has, each looked at only behind the one before, then a length. */
const PARSER = `return { read(bytes) {
  if (bytes[0] !== 0x46) return 1
  if (bytes[1] !== 0x55) return 2
  if (bytes[2] !== 0x5a) return 3
  if (bytes[3] !== 0x5a) return 4
  if (bytes[4] > 20) throw new TypeError('planted')
  return 5
} }`

function parser(): Target<number> {
  const { read } = loaded<Parser>(PARSER)
  return { name: 'planted', door: 'peers', maxBytes: 64, seeds: () => [asBytes('hello')], decode: read }
}

it('finds its way behind bytes that nobody told it, and tells of what it finds there', async () => {
  coverage.reset()
  const target = parser()
  const kept: Uint8Array[] = []
  const fuzzer = new Fuzzer({ target, coverage, seed: '1', corpus: [], onKept: bytes => kept.push(bytes) })
  for (let i = 0; i < 40_000 && fuzzer.figures.breaks.length === 0; i++) await fuzzer.step()
  expect(fuzzer.figures.breaks.map(({ what }) => what)).toEqual([expect.stringContaining('TypeError: planted')])
  const short = await distilled(target, coverage, kept)
  expect(short.map(bytes => String.fromCharCode(...bytes.subarray(0, 4)))).toEqual(
    expect.arrayContaining(['F', 'FU', 'FUZ', 'FUZZ'])
  )
  expect(short.every(bytes => bytes.length <= 5)).toBe(true)
})

it('goes on from what an earlier run had kept', async () => {
  coverage.reset()
  const fuzzer = new Fuzzer({ target: parser(), coverage, seed: '1', corpus: [asBytes('FUZZ')] })
  for (let i = 0; i < 2; i++) await fuzzer.step()
  expect(fuzzer.figures.kept).toBe(2)
})

const plain: Target<unknown> = {
  name: 'plain',
  door: 'peers',
  maxBytes: 64,
  seeds: () => [],
  isRefusal: error => error instanceof RangeError,
  decode: bytes => bytes.length,
  laws: value => hold(value !== 3, 'is three')
}

it.each<[string, Partial<Target>, number, string | null]>([
  ['a value for which the laws hold', {}, 1, null],
  ['a broken law', {}, 3, 'is three'],
  [
    'the declared error',
    {
      decode: () => {
        throw new RangeError('no')
      }
    },
    1,
    null
  ],
  [
    'any other error',
    {
      decode: () => {
        throw new TypeError('no')
      }
    },
    1,
    'throws TypeError: no'
  ],
  ['an error that comes later', { decode: () => Promise.reject(new TypeError('no')) }, 1, 'throws TypeError: no'],
  ['much memory', { decode: () => new Array(1_000_000).fill(1) }, 1, 'are the bound'],
  ['much outside of the heap', { decode: () => new Uint8Array(3_000_000).fill(1) }, 1, 'are the bound']
])('judges %s', async (_, change, length, broken) => {
  const trial = await tryAgain({ ...plain, ...change }, new Uint8Array(length))
  if (broken === null) expect(trial.broken).toBeNull()
  else expect(trial.broken).toContain(broken)
})

it('reads corpora as it wrote them', () => {
  const lines = [
    { bytes: asBytes('{"a":1}\n'), isFound: true },
    { bytes: Uint8Array.of(0, 255), isFound: false },
    { bytes: new Uint8Array(0), isFound: false },
    { bytes: asBytes('x00'), isFound: false }
  ]
  expect(corpusText(lines)).toBe('! "{\\"a\\":1}\\n"\nx00ff\nx\n"x00"\n')
  expect(parseCorpus(corpusText(lines))).toEqual(lines)
})

it('puts the words and numbers of sources into inputs', () => {
  const tokens = tokensOf(['PROXY ', '258']).map(token => token.join())
  expect(tokens).toEqual(['80,82,79,88,89,32', '50,53,56', '2,1', '1,2'])
})
