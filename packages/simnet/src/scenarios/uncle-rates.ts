import type { SimReport } from '../report/report.ts'
import { beginRun, DEGREE } from './begin-run.ts'
import type { RunOptions, Scenario } from './scenario.ts'

/** Median latencies of a link that the table has a row for. */
export const TABLE_LATENCIES_MS: readonly number[] = [50, 100, 200, 400, 800, 1_600]

/** One network with every link at the same median latency. */
export function uncleRateAt(latencyMs: number, options: RunOptions): SimReport {
  return beginRun(`uncle-rates-${latencyMs}`, options, {
    latencyMs: [latencyMs, latencyMs],
    degree: DEGREE
  }).finish()
}

/** The row in the middle of the table; the command line runs all of them. */
export const uncleRates: Scenario = {
  name: 'uncle-rates',
  sentence: 'Uncles and lost shares against the median latency of a link; writes the table and the plot.',
  defaults: { nodes: 30, hours: 2 },
  run: options => uncleRateAt(200, options)
}
