import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/** One thing to measure. Its id never changes, so that numbers of different days can be compared. */
export interface Measured {
  readonly id: string
  /** What one operation is, in the singular. */
  readonly unit: string
  readonly operationsPerSample: number
  readonly samples?: number
  /** Makes the inputs of the next sample; not timed. */
  readonly prepare?: () => void | Promise<void>
  /** Does `operationsPerSample` operations. */
  readonly run: () => void | Promise<void>
  /** Undoes what a sample leaves behind; not timed. */
  readonly clear?: () => void | Promise<void>
}

interface Sample {
  /** Of this process, all its threads, in microseconds per operation. */
  readonly cpuUs: number
  readonly wallUs: number
}

const WARM_UP_SAMPLES = 3
const SAMPLES = 20

const budgetsUs = JSON.parse(readFileSync(new URL('./budgets.json', import.meta.url), 'utf8')) as Record<string, number>
let isHeaderPrinted = false

/** Takes the samples and prints one line: median and spread of the CPU time, the wall time, and the budget. */
export async function measure(measured: Measured): Promise<void> {
  printHeader()
  const { id, unit, operationsPerSample, samples = SAMPLES } = measured
  const taken: Sample[] = []
  const warmUps = samples < SAMPLES ? 1 : WARM_UP_SAMPLES
  for (let sample = -warmUps; sample < samples; sample++) {
    await measured.prepare?.()
    globalThis.gc?.()
    const timed = await timeOnce(measured.run)
    if (sample >= 0) taken.push(timed)
    await measured.clear?.()
  }
  const cpu = taken.map(({ cpuUs }) => cpuUs / operationsPerSample).sort((a, b) => a - b)
  const wall = taken.map(({ wallUs }) => wallUs / operationsPerSample).sort((a, b) => a - b)
  const spread = `${time(at(cpu, 0.1))} to ${time(at(cpu, 0.9))}`
  const columns = [
    id.padEnd(40),
    `${time(at(cpu, 0.5))} CPU a ${unit}`.padEnd(26),
    `(${spread})`.padEnd(24),
    `wall ${time(at(wall, 0.5))}`.padEnd(14),
    `${samples} × ${operationsPerSample}`.padEnd(12),
    budgetText(id, at(cpu, 0.5))
  ]
  process.stdout.write(`${columns.join(' ')}\n`)
}

/** A line about an input that the numbers depend on. */
export function note(text: string): void {
  printHeader()
  process.stdout.write(`# ${text}\n`)
}

async function timeOnce(run: Measured['run']): Promise<Sample> {
  const cpuBefore = process.cpuUsage()
  const wallBefore = performance.now()
  await run()
  const wallUs = (performance.now() - wallBefore) * 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  return { cpuUs: user + system, wallUs }
}

function printHeader(): void {
  if (isHeaderPrinted) return
  isHeaderPrinted = true
  const [cpu] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  process.stdout.write(
    `# ${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} threads, ${memory}, ${process.platform} ` +
      `${process.arch}, Node.js ${process.version}\n`
  )
  process.stdout.write(
    '# median (10 % to 90 %) of samples × operations; the budget is about three times a first result\n'
  )
}

function budgetText(id: string, cpuUs: number): string {
  const budgetUs = budgetsUs[id]
  if (budgetUs === undefined) return 'no budget'
  return cpuUs <= budgetUs ? `within ${time(budgetUs)}` : `ABOVE ITS BUDGET of ${time(budgetUs)}`
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}

function time(us: number): string {
  if (us >= 1_000_000) return `${(us / 1_000_000).toPrecision(3)} s`
  if (us >= 1_000) return `${(us / 1_000).toPrecision(3)} ms`
  return `${us.toPrecision(3)} µs`
}
