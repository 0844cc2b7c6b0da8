import type { SimReport } from './report.ts'
import { percent } from './report-text.ts'

/** What one latency did. */
export interface UncleRateRow {
  readonly latencyMs: number
  readonly propagationP50Ms: number
  readonly propagationP99Ms: number
  readonly produced: number
  readonly uncleRate: number
  readonly orphanRate: number
  readonly deepestReorg: number
}

export function uncleRateRow(latencyMs: number, report: SimReport): UncleRateRow {
  return {
    latencyMs,
    propagationP50Ms: report.propagationMs.p50 ?? 0,
    propagationP99Ms: report.propagationMs.p99 ?? 0,
    produced: report.shares.produced,
    uncleRate: report.shares.uncleRate,
    orphanRate: report.shares.orphanRate,
    deepestReorg: Math.max(0, ...report.reorgs.map(({ depth }) => depth))
  }
}

/** The measured rates as a page of Markdown. */
export function uncleRatePage(
  rows: readonly UncleRateRow[],
  run: { readonly nodes: number; readonly hours: number; readonly seed: number }
): string {
  const lines = rows.map(
    row =>
      `| ${row.latencyMs} | ${row.propagationP50Ms} | ${row.propagationP99Ms} | ${row.produced} | ${percent(row.uncleRate)} | ` +
      `${percent(row.orphanRate)} | ${row.deepestReorg} |`
  )
  return `# Uncle rates against latency

Measured in the simulator with the real node code: ${run.nodes} nodes in a random graph of mean degree 6, every link with the same
median latency (two thirds of the messages within a quarter of it), Zipf hashrates, a share every 10 s on average, ${run.hours}
hours of virtual time a row. Made by

    npm run sim -- uncle-rates --nodes ${run.nodes} --hours ${run.hours} --seed ${run.seed}

which writes this page and \`uncle-rates.svg\`; the same code and seed give the same numbers on any machine.

| median latency of a link, ms | half of the nodes have a share after, ms | 99 % after, ms | shares | uncles | lost | deepest re-organisation |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${lines.join('\n')}

*Uncles*: shares that lost the race for their height and are paid nine tenths through the share that names them. *Lost*: shares
neither on the chain nor named by a share of it within three heights; they earn nothing.

![Uncle rate against latency](uncle-rates.svg)
`
}
