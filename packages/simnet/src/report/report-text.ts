import type { SimReport } from './report.ts'

/** A report for people: one fact a line. */
export function reportText(report: SimReport): string {
  const { shares, propagationMs, fairness, punishments, blocks, submits } = report
  const rows: [string, string][] = [
    ['network', `${report.nodes} nodes, ${duration(report.virtualMs)} of virtual time, seed ${report.seed}`],
    [
      'chain',
      `height ${report.chain.height}, tip ${report.chain.tip.slice(0, 16)}, ${shares.meanSpacingSec.toFixed(2)} s a share`
    ],
    [
      'shares',
      `${shares.produced} produced: ${shares.confirmed} confirmed, ${shares.uncles} uncles (${percent(shares.uncleRate)}), ` +
        `${shares.lost} lost (${percent(shares.orphanRate)}), ${shares.undecided} still open`
    ],
    ['re-organisations', report.reorgs.map(({ depth, count }) => `${count} of depth ${depth}`).join(', ') || 'none'],
    [
      'propagation',
      `half of the nodes within ${ms(propagationMs.p50)}, 90 % ${ms(propagationMs.p90)}, 99 % ${ms(propagationMs.p99)}, all ${ms(propagationMs.max)}`
    ],
    ['traffic', `${(report.bytesPerNodePerDay / 1e6).toFixed(1)} MB sent per node and day`],
    [
      'pay',
      `${percent(fairness.misplacedPart)} of pay away from its hashrate (chance alone: ${percent(fairness.expectedByChance)}); ` +
        `pay per hashrate: large miners ${fairness.largeMiners.toFixed(3)}, middle ${fairness.middleMiners.toFixed(3)}, small ${fairness.smallMiners.toFixed(3)}`
    ],
    ['bitcoin', `${blocks.found} blocks found by the pool, ${blocks.bitcoinHeightGained} blocks in all`],
    ['stratum', `${submits.accepted} submits accepted, ${submits.rejected} refused`],
    ['peers', `${punishments.penalties} penalties, ${punishments.drops} dropped`],
    ...report.convergence.map(({ after, tookMs }): [string, string] => [
      'one tip',
      tookMs === null ? `not reached after ${after}` : `${(tookMs / 1_000).toFixed(1)} s after ${after}`
    ]),
    ['events', String(report.events)],
    ['digest', report.digest]
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const findings = report.findings.map(
    ({ claim, holds, measured }) => `${holds ? 'holds ' : 'BROKEN'}  ${claim} (${measured})`
  )
  return `${[...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), '', ...findings].join('\n')}\n`
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`
}

function ms(value: number | null): string {
  return value === null ? 'never' : `${value} ms`
}

function duration(virtualMs: number): string {
  const minutes = virtualMs / 60_000
  return minutes < 120 ? `${minutes.toFixed(1)} minutes` : `${(minutes / 60).toFixed(1)} hours`
}
