import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { mutantSwitch } from './mutant-switch.ts'

/** A mutant that takes more is not waited for: the whole process ends, as one that hangs is ended from outside. */
const MOST_MEMORY_BYTES = 1_200_000_000
const WATCH = `setInterval(() => {
  if (process.memoryUsage.rss() > ${MOST_MEMORY_BYTES}) process.kill(process.pid, 'SIGKILL')
}, 200)`

const known = globalThis as { __memoryWatch?: Worker }
if (known.__memoryWatch === undefined) {
  known.__memoryWatch = new Worker(WATCH, { eval: true })
  known.__memoryWatch.unref()
}
mutantSwitch()
// That a property fails is enough: to look for its smallest input takes a hundred times as long.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true })
