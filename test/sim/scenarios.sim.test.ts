import { type RunOptions, SCENARIOS, type SimReport } from '@p2poolv2/simnet'
import { describe, expect, it } from 'vitest'

/** Short runs of many stories; `npm run sim` plays them at full length. */
const SHORT: readonly (readonly [name: string, nodes: number, minutes: number])[] = [
  ['calm', 20, 20],
  ['mixed', 12, 15],
  ['merge', 6, 24],
  ['half-cut', 12, 36],
  ['alone', 8, 44],
  ['lossy', 10, 20],
  ['half-open', 8, 12],
  ['flapping', 6, 12],
  ['idle-flows', 6, 12],
  ['new-names', 8, 12],
  ['new-addresses', 6, 12],
  ['never-read', 6, 9],
  ['read-slowly', 6, 9],
  ['pings-only', 6, 10],
  ['crash-storm', 8, 20],
  ['finder-crash', 10, 20],
  ['stalled-disks', 8, 30],
  ['bitcoind-stall', 8, 60],
  ['bitcoin-fork', 8, 60],
  ['clock-skew', 12, 30],
  ['clock-jump', 14, 30],
  ['hostile-third', 20, 15],
  ['newcomer', 5, 60],
  ['wild-share', 10, 20],
  ['launch-burst', 8, 20],
  ['slow-reader', 6, 20],
  ['old-network', 4, 240],
  ['all-but-one-lie', 10, 180],
  ['light-chains-first', 6, 180],
  ['withheld-body', 5, 60],
  ['withheld-body-old', 5, 60],
  ['trouble', 8, 12],
  ['minority-fork', 10, 60],
  ['majority-fork', 10, 60]
]
const TIMEOUT_MS = 60_000

function play(name: string, options: RunOptions): SimReport {
  const scenario = SCENARIOS.get(name)
  if (scenario === undefined) throw new Error(`there is a scenario ${name}`)
  return scenario.run(options)
}

describe('every claim of the scenario holds', () => {
  it.each(SHORT)(
    '%s with %i nodes for %i minutes',
    (name, nodes, minutes) => {
      const { findings } = play(name, { nodes, hours: minutes / 60, seed: 1 })
      expect(findings.filter(({ holds }) => !holds)).toEqual([])
      expect(findings.length).toBeGreaterThan(0)
    },
    TIMEOUT_MS
  )
})

it(
  'a run is the same again with the same seed, and another one with another',
  () => {
    const run = (seed: number): SimReport => play('crash-storm', { nodes: 6, hours: 0.2, seed })
    const first = run(7)
    expect(run(7)).toEqual(first)
    expect(run(8).digest).not.toBe(first.digest)
  },
  TIMEOUT_MS
)
