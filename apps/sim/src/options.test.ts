import { expect, it } from 'vitest'
import { parseOptions, parseSeedOptions } from './options.ts'

it('leaves to the scenario what the command line does not say', () => {
  expect(parseOptions(['calm'])).toEqual({
    scenario: 'calm',
    nodes: null,
    hours: null,
    seed: 1,
    output: 'text',
    plotFile: null,
    memory: 'unwatched'
  })
})

it('takes everything it is told', () => {
  const argv = ['half-cut', '--nodes', '50', '--hours', '0.5', '--seed', '7', '--json', '--plot', 'out.svg', '--memory']
  expect(parseOptions(argv)).toEqual({
    scenario: 'half-cut',
    nodes: 50,
    hours: 0.5,
    seed: 7,
    output: 'json',
    plotFile: 'out.svg',
    memory: 'watched'
  })
})

it('lists the scenarios when none is named', () => {
  expect(parseOptions([]).scenario).toBeNull()
})

it('plays a thousand seeds unless it is told otherwise', () => {
  expect(parseSeedOptions([])).toMatchObject({ count: 1_000, from: 1 })
  const argv = ['--count', '50', '--from', '7', '--workers', '2', '--state', 'seeds.jsonl']
  expect(parseSeedOptions(argv)).toEqual({ count: 50, from: 7, workers: 2, stateFile: 'seeds.jsonl' })
})
