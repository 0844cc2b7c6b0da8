import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { SeedOptions } from './options.ts'
import { SeedLedger } from './seed-ledger.ts'
import { replayCommand, type SeedResult } from './seed-run.ts'

/** A line of progress at most this often. */
const PROGRESS_MS = 10_000
/** A seed takes seconds, and minutes where it gets little of the processor: one that takes so long is taken for one that never ends. */
const MAX_SEED_MS = 3_600_000

/** Plays many seeds, one process a core, going on where the last run stopped. @returns the exit code: 0 if everything held */
export async function playSeeds(options: SeedOptions): Promise<number> {
  const ledger = new SeedLedger(options.stateFile)
  const wanted = Array.from({ length: options.count }, (_, i) => options.from + i)
  const open = wanted.filter(seed => !ledger.isDone(seed))
  say(`${wanted.length - open.length} of ${wanted.length} seeds are done by ${options.stateFile}`)
  let told = performance.now()
  let played = 0
  const keep = (result: SeedResult): void => {
    ledger.add(result)
    played += 1
    if (result.broken.length > 0) say(breakText(result))
    if (performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    say(`${played} of ${open.length} seeds played`)
  }
  const queue = [...open]
  await Promise.all(Array.from({ length: Math.min(options.workers, open.length) }, () => playQueue(queue, keep)))
  const results = ledger.results().filter(({ seed }) => seed >= options.from && seed < options.from + options.count)
  process.stdout.write(`${summary(results)}\n`)
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1
}

/** One process after the other, a new one when one has died. */
async function playQueue(queue: number[], keep: (result: SeedResult) => void): Promise<void> {
  let child: ChildProcess | null = null
  for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) {
    child ??= fork(process.argv[1] ?? '', ['seeds'])
    const { result, isAlive } = await played(child, seed)
    keep(result)
    if (!isAlive) child = null
  }
  child?.disconnect()
}

function played(
  child: ChildProcess,
  seed: number
): Promise<{ readonly result: SeedResult; readonly isAlive: boolean }> {
  return new Promise(resolve => {
    const end = (result: SeedResult, isAlive: boolean): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      resolve({ result, isAlive })
    }
    const broken = (what: string): SeedResult => ({ seed, digest: null, broken: [what], struck: {} })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      end(broken(`it did not end within ${MAX_SEED_MS / 1_000} s`), false)
    }, MAX_SEED_MS)
    child.once('message', result => end(result as SeedResult, true))
    child.once('exit', (code, signal) => {
      // Somebody wants all of it to stop: the seed is as if it had not been begun.
      if (signal === 'SIGINT' || signal === 'SIGTERM') process.kill(process.pid, signal)
      else end(broken(`its process ended with ${code ?? signal}`), false)
    })
    child.send(seed)
  })
}

function breakText({ seed, broken }: SeedResult): string {
  return `BREAK in seed ${seed}: ${broken.join('; ')}\n  ${replayCommand(seed)}`
}

function summary(results: readonly SeedResult[]): string {
  const breaks = results.filter(({ broken }) => broken.length > 0)
  const struck = new Map<string, { times: number; seeds: number }>()
  for (const result of results) {
    for (const [name, times] of Object.entries(result.struck)) {
      const sum = struck.get(name) ?? { times: 0, seeds: 0 }
      struck.set(name, { times: sum.times + times, seeds: sum.seeds + 1 })
    }
  }
  const rows = [...struck]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { times, seeds }]) => `  ${name.padEnd(26)} ${String(times).padStart(6)} times in ${seeds} seeds`)
  // Of runs and not of the machine: the same seeds give the same, wherever they are played.
  const digest = createHash('sha256').update(results.map(result => `${result.seed} ${result.digest}\n`).join(''))
  return [
    ...breaks.map(breakText),
    ...rows,
    `${results.length} seeds played, ${breaks.length} breaks, digest of all ${digest.digest('hex')}`
  ].join('\n')
}

function say(line: string): void {
  process.stderr.write(`sim: ${line}\n`)
}
