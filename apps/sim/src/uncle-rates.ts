import { writeFileSync } from 'node:fs'
import {
  percent,
  plot,
  type Scenario,
  TABLE_LATENCIES_MS,
  type UncleRateRow,
  uncleRateAt,
  uncleRatePage,
  uncleRateRow
} from '@p2poolv2/simnet'
import type { SimOptions } from './options.ts'
import { progressTo } from './play.ts'

const PAGE = 'docs/uncle-rates.md'
const PLOT = 'docs/uncle-rates.svg'

/** Measures every row of the table, and writes page and plot into `docs`. @returns the exit code */
export function makeUncleRates(scenario: Scenario, options: SimOptions): number {
  const run = {
    nodes: options.nodes ?? scenario.defaults.nodes,
    hours: options.hours ?? scenario.defaults.hours,
    seed: options.seed
  }
  const rows: UncleRateRow[] = []
  for (const latencyMs of TABLE_LATENCIES_MS) {
    const progress = progressTo(`${latencyMs} ms`)
    const row = uncleRateRow(latencyMs, uncleRateAt(latencyMs, { ...run, progress }))
    rows.push(row)
    process.stderr.write(`${latencyMs} ms: ${percent(row.uncleRate)} uncles, ${percent(row.orphanRate)} lost\n`)
  }
  if (options.output === 'json') process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else process.stdout.write(uncleRatePage(rows, run))
  writeFileSync(PAGE, uncleRatePage(rows, run))
  writeFileSync(options.plotFile ?? PLOT, uncleRatePlot(rows))
  return 0
}

function uncleRatePlot(rows: readonly UncleRateRow[]): string {
  const points = (y: (row: UncleRateRow) => number) => rows.map(row => ({ x: row.latencyMs, y: y(row) }))
  return plot(
    [
      { name: 'uncles', colour: '#1f6fb4', points: points(row => row.uncleRate) },
      { name: 'lost', colour: '#c0392b', points: points(row => row.orphanRate) }
    ],
    {
      title: 'Uncle rate against latency, a share every 10 s',
      xName: 'median latency of a link, ms',
      yName: 'part of all shares',
      xText: x => String(x),
      yText: y => `${(y * 100).toFixed(y < 0.02 ? 1 : 0)} %`
    }
  )
}
