import { Worker } from 'node:worker_threads'

/** A mutant that takes more is not waited for: the whole process ends, as one that hangs is ended from outside. */
const MOST_MEMORY_BYTES = 1_200_000_000
/** One that takes so much of a processor within one test does not end. Not by the clock: the computer may be busy with other things. */
const MOST_TRYING_MS = 60_000
const WATCH = `
const signs = new Int32Array(require('node:worker_threads').workerData)
let seen = 0
let from = process.cpuUsage()
setInterval(() => {
  const now = Atomics.load(signs, 0)
  if (now !== seen) from = process.cpuUsage()
  seen = now
  const { user, system } = process.cpuUsage(from)
  const hangs = Atomics.load(signs, 1) === 1 && user + system > ${1_000 * MOST_TRYING_MS}
  if (hangs || process.memoryUsage.rss() > ${MOST_MEMORY_BYTES}) process.kill(process.pid, 'SIGKILL')
}, 200)`

const known = globalThis as { __processWatch?: Int32Array }

/** Begins to watch this process; once is enough, also where a module is loaded more than once. @returns how often it showed life, and whether a mutant is on */
function signs(): Int32Array {
  if (known.__processWatch !== undefined) return known.__processWatch
  const shared = new SharedArrayBuffer(8)
  known.__processWatch = new Int32Array(shared)
  new Worker(WATCH, { eval: true, workerData: shared }).unref()
  return known.__processWatch
}

/** To be called before each mutant is tried, and after the last. */
export function showLife(isTrying: boolean): void {
  Atomics.store(signs(), 1, isTrying ? 1 : 0)
  Atomics.add(signs(), 0, 1)
}
