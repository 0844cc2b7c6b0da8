import type { BlockReport, LoadReport, Spread } from './load-run.ts'

/** Above this the generator may be what was measured. */
const BUSY_GENERATOR = 0.9

/** The report as a plain table for people. */
export function reportText(report: LoadReport): string {
  const { connections, tally, latencyMs, server, blocks } = report
  const rejected = Object.values(tally.rejected).reduce((sum, count) => sum + count, 0)
  const rows: [string, string][] = [
    [
      'connections',
      `${connections.working} of ${connections.asked} with work, ${round(connections.perSec)} connects/s`
    ],
    ...Object.entries(tally.lost).map(([why, count]): [string, string] => ['  lost', `${count}: ${why}`]),
    ['submits', `${tally.sent} sent, ${tally.accepted} accepted, ${rejected} rejected, ${tally.unanswered} unanswered`],
    ...Object.entries(tally.rejected).map(([why, count]): [string, string] => ['  rejected', `${count}: ${why}`])
  ]
  if (tally.unmatched > 0) rows.push(['  not asked for', `${tally.unmatched} answers`])
  rows.push(['its own account', ownAccountText(report, rejected)])
  if (tally.sent > 0) {
    rows.push(['accepted', `${round(report.acceptedPerSec)} a second over ${report.seconds.toFixed(1)} s`])
    const { p50, p90, p99, max } = latencyMs
    rows.push(['answers after', `p50 ${ms(p50)}, p90 ${ms(p90)}, p99 ${ms(p99)}, at most ${ms(max)}`])
  }
  if (server === null) rows.push(['server process', 'not known: give --server-pid if it runs on this computer'])
  else {
    const { cpuUsPerAccepted, cpuPart, bytesPerConnection, pid } = server
    const share = cpuUsPerAccepted === null ? '' : `${cpuUsPerAccepted.toFixed(1)} µs CPU an accepted share, `
    rows.push(['server process', `${pid}: ${share}${(cpuPart * 100).toFixed(0)} % of a core`])
    rows.push(['memory', `${(bytesPerConnection / 1024).toFixed(1)} KiB resident a connection`])
  }
  rows.push(...blocks.flatMap(blockRows))
  rows.push(['generator', generatorText(report)])
  return `${rows.map(([name, value]) => `${name.padEnd(18)}${value}`).join('\n')}\n`
}

function ownAccountText({ ownAccount, tally }: LoadReport, rejected: number): string {
  if (ownAccount === null) return 'not asked: give --api if it is a P2Poolv2 node'
  const accepted = ownAccount.accepted - tally.accepted
  const refused = ownAccount.rejected - rejected
  if (accepted === 0 && refused === 0) return 'the same: every share and every refusal is in it'
  return `DIFFERS: it has ${signed(accepted)} accepted and ${signed(refused)} rejected`
}

function blockRows(block: BlockReport, index: number): [string, string][] {
  const since = block.since === 'bitcoin-node' ? 'the bitcoin node said so' : 'the first miner had it'
  const { anyJob, fullJob, lagMs } = block
  const rows: [string, string][] = [
    [
      `new block ${index + 1}`,
      `${spreadText(anyJob)} after ${since}; read at most ${lagMs.toFixed(1)} ms after it came`
    ]
  ]
  if (fullJob !== null && fullJob.last !== anyJob.last) rows.push(['  with transactions', spreadText(fullJob)])
  return rows
}

function spreadText({ first, median, last, miners }: Spread): string {
  return `first miner ${ms(first)}, half ${ms(median)}, last of ${miners} ${ms(last)}`
}

function generatorText({ generatorBusy, tally }: LoadReport): string {
  const busy = `${(generatorBusy * 100).toFixed(0)} % busy, of that hashing ${(tally.hashing * 100).toFixed(0)} %`
  return generatorBusy < BUSY_GENERATOR
    ? busy
    : `${busy}: IT IS THE BOTTLENECK, the server can do more; give --processes where there are cores, or --rate`
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function signed(value: number): string {
  return value > 0 ? `${value} more` : `${-value} fewer`
}
