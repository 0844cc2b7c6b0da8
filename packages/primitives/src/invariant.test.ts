import { expect, it } from 'vitest'
import { InvariantError, invariant } from './invariant.ts'

it('an invariant that holds says nothing and one that fails says its sentence', () => {
  invariant(1, 'one is truthy')
  expect(() => invariant(0, 'zero is not')).toThrow(InvariantError)
  expect(() => invariant(null, 'the sentence')).toThrow('the sentence')
})
