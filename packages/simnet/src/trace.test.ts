import { expect, it } from 'vitest'
import { Trace } from './trace.ts'

function traceOf(lines: readonly string[]): Trace {
  const trace = new Trace()
  for (const line of lines) trace.add(line)
  return trace
}

const many = Array.from({ length: 1_500 }, (_, i) => `${i} node-${i % 7} tick`)

it('gives the same digest for the same lines and another for any difference', () => {
  expect(traceOf(many).digest()).toBe(traceOf(many).digest())
  expect(traceOf([...many.slice(0, 3), 'x', ...many.slice(4)]).digest()).not.toBe(traceOf(many).digest())
  expect(traceOf(['ab', 'c']).digest()).not.toBe(traceOf(['a', 'bc']).digest())
})

it('keeps the newest lines for the report of a failure', () => {
  expect(traceOf(many).last(3)).toEqual(many.slice(-3))
  expect(traceOf(['a', 'b']).last(50)).toEqual(['a', 'b'])
})
