import { existsSync, readdirSync } from 'node:fs'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { MutantSwitch } from './mutant-switch.ts'
import { switched } from './mutants.ts'
import { SUBJECTS } from './subjects.ts'

const TESTS = ['packages', 'apps']
  .flatMap(folder => readdirSync(folder, { recursive: true }).map(file => `${folder}/${file}`))
  .filter(file => file.endsWith('.test.ts') && !file.includes('node_modules'))

const SOURCE = [
  "import { a } from './a.ts'",
  'type T = 1 | true',
  'const LIMIT = 3',
  'function f(x: 5): boolean {',
  "  invariant(x < 9, 'small')",
  '  tell(x)',
  '  return !(x < LIMIT) && true',
  '}'
].join('\n')

it('turns operators, truths and numbers, drops negations and calls, and leaves types and invariants alone', () => {
  const { mutants } = switched(SOURCE, 'f.ts', 10)
  expect(mutants.map(({ id, line, what, isStatic }) => `${id} ${line} ${what}${isStatic ? ' static' : ''}`)).toEqual([
    '10 3 3 becomes (3 + 1) static',
    '11 6 tell(x) becomes nothing',
    '12 7 !(x < LIMIT) becomes (x < LIMIT)',
    '13 7 < becomes <=',
    '14 7 < becomes >=',
    '15 7 true becomes false',
    '16 7 && becomes ||'
  ])
})

it('tells what is there when a file is loaded from what each instance makes anew', () => {
  const source = 'class A {\n  static most = 4\n  #left = 5\n  static f() { return 6 }\n}'
  const { mutants } = switched(source, 'f.ts', 0)
  expect(mutants.map(({ what, isStatic }) => [what, isStatic])).toEqual([
    ['4 becomes (4 + 1)', true],
    ['5 becomes (5 + 1)', false],
    ['6 becomes (6 + 1)', false]
  ])
})

it('leaves every line where it was', () => {
  const { text } = switched(SOURCE, 'f.ts', 0)
  expect(text.split('\n').map(line => line.trimStart().slice(0, 6))).toEqual(
    SOURCE.split('\n').map((line, i) => (i === 5 ? 'if (!_' : line.trimStart().slice(0, 6)))
  )
})

const switches = new MutantSwitch().install()

/** What a source says with each of its mutants on, the first with none. */
function all(source: string): unknown[] {
  const { text, mutants } = switched(`const run = () => { ${source} }`, 'f.ts', 0)
  const js = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022 } }).outputText
  const run = new Function(`${js}\nreturn run`)() as () => unknown
  return [null, ...mutants].map(mutant => {
    if (mutant === null) switches.off()
    else switches.on(mutant.id, 1_000)
    try {
      return run()
    } catch (error) {
      return (error as Error).message
    }
  })
}

it.each<[string, unknown[]]>([
  ['const a = 5; return a > 5', [false, true, false, true, false]],
  ['let n = 1\n n += 2\n return n', [3, 4, -1]],
  [
    'const seen: number[] = []\n const g = () => { seen.push(1) }\n if (seen.length === 0) g()\n else seen.push(2)\n return seen.length',
    [1, 0, 1, 1, 0, 0, 1, 1]
  ],
  [
    'let calls = 0\n const b = () => ++calls > 0\n return [false && b(), calls]',
    [
      [false, 0],
      [false, 0],
      [true, 1],
      [true, 1]
    ]
  ],
  ['return 5n * 2n', [10n, 12n, 15n, 7n]]
])('%j says otherwise with each of its mutants', (source, said) => {
  const results = all(source)
  expect(results[0]).toEqual(said[0])
  expect(results.length).toBeGreaterThan(1)
  for (const value of said) expect(results).toContainEqual(value)
})

it('ends a mutant that does not end', () => {
  expect(all('let n = 0; while (n < 3) { n += 1 } return n')).toContain('a mutant goes on without an end')
})

it('counts what is come by while none is on', () => {
  const { text } = switched('const run = (x: number) => x > 1 ? x + 1 : 0', 'f.ts', 100)
  const js = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022 } }).outputText
  const run = new Function(`${js}\nreturn run`)() as (x: number) => number
  switches.begin()
  run(5)
  expect(switches.asked().ids.length).toBe(5)
})

it.each(SUBJECTS)(
  'all that is said to be mutated of $name is there, and tests for it',
  ({ files, tests, furtherTests }) => {
    expect(files.filter(file => !existsSync(file))).toEqual([])
    for (const word of [...tests, ...furtherTests])
      expect(
        TESTS.some(file => file.includes(word)),
        word
      ).toBe(true)
  }
)
