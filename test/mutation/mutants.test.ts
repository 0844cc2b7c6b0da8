import { expect, it } from 'vitest'
import { mutantsOf } from './mutants.ts'

it('turns operators, truths and numbers, drops negations and calls, and leaves types and invariants alone', () => {
  const source = [
    "import { a } from './a.ts'",
    'type T = 1 | true',
    'function f(x: 5): boolean {',
    "  invariant(x < 9, 'small')",
    '  tell(x)',
    '  return !(x < 3) && true',
    '}'
  ].join('\n')
  expect(mutantsOf(source, 'f.ts').map(({ line, what }) => `${line} ${what}`)).toEqual([
    '5 tell(x) becomes nothing',
    '6 && becomes ||',
    '6 !(x < 3) becomes (x < 3)',
    '6 < becomes <=',
    '6 < becomes >=',
    '6 3 becomes (3 + 1)',
    '6 true becomes false'
  ])
})
