import { writeFileSync } from 'node:fs'
import { plot, reportText, type Scenario, type SimReport } from '@p2poolv2/simnet'
import { MemoryWatch } from './memory-watch.ts'
import type { SimOptions } from './options.ts'

/** A line of progress at most this often. */
const PROGRESS_MS = 5_000

/** What the run cost here; no part of the report, which is the same on any machine. */
interface Effort {
  readonly wallMs: number
  readonly eventsPerSec: number
  readonly peakMemoryBytes: number
}

/** Runs one scenario and prints its report. @returns the exit code: 0 if everything held */
export function play(scenario: Scenario, options: SimOptions): number {
  const startedMs = performance.now()
  const tell = progressTo(scenario.name)
  const watch = options.memory === 'watched' ? new MemoryWatch() : null
  const report = scenario.run({
    nodes: options.nodes ?? scenario.defaults.nodes,
    hours: options.hours ?? scenario.defaults.hours,
    seed: options.seed,
    progress: (line, at) => {
      tell(line)
      watch?.look(at)
    }
  })
  const wallMs = Math.round(performance.now() - startedMs)
  const effort: Effort = {
    wallMs,
    eventsPerSec: Math.round((report.events / wallMs) * 1_000),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1_024
  }
  if (options.output === 'json') process.stdout.write(`${JSON.stringify({ ...report, effort }, null, 2)}\n`)
  else process.stdout.write(`${scenario.name}: ${scenario.sentence}\n\n${reportText(report)}\n${effortText(effort)}\n`)
  if (options.plotFile !== null) writeFileSync(options.plotFile, arrivalPlot(report))
  const isFlat = watch?.judge() ?? true
  return isFlat && report.findings.every(({ holds }) => holds) ? 0 : 1
}

/** Tells standard error how far a run is, now and then. */
export function progressTo(name: string): (line: string) => void {
  let lastMs = performance.now()
  return line => {
    if (performance.now() - lastMs < PROGRESS_MS) return
    lastMs = performance.now()
    process.stderr.write(`${name} ${line}\n`)
  }
}

function effortText({ wallMs, eventsPerSec, peakMemoryBytes }: Effort): string {
  return `${(wallMs / 1_000).toFixed(1)} s of wall time, ${eventsPerSec} events a second, ${(peakMemoryBytes / 1e6).toFixed(0)} MB of memory at most`
}

function arrivalPlot({ scenario, propagationMs }: SimReport): string {
  const { p50, p90, p99, max } = propagationMs
  const points = [50, 90, 99, 100].map((x, i) => ({ x, y: [p50, p90, p99, max][i] ?? 0 }))
  return plot([{ name: 'milliseconds until a share has arrived', colour: '#1f6fb4', points }], {
    title: `Arrival of shares: ${scenario}`,
    xName: 'percent of nodes and shares',
    yName: 'milliseconds',
    xText: x => `${x} %`,
    yText: y => y.toFixed(0)
  })
}
