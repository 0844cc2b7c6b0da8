import { expect, it } from 'vitest'
import { parseOptions } from './options.ts'

it('leaves to the scenario what the command line does not say', () => {
  expect(parseOptions(['calm'])).toEqual({
    scenario: 'calm',
    nodes: null,
    hours: null,
    seed: 1,
    output: 'text',
    plotFile: null
  })
})

it('takes everything it is told', () => {
  const argv = ['half-cut', '--nodes', '50', '--hours', '0.5', '--seed', '7', '--json', '--plot', 'out.svg']
  expect(parseOptions(argv)).toEqual({
    scenario: 'half-cut',
    nodes: 50,
    hours: 0.5,
    seed: 7,
    output: 'json',
    plotFile: 'out.svg'
  })
})

it('lists the scenarios when none is named', () => {
  expect(parseOptions([]).scenario).toBeNull()
})
