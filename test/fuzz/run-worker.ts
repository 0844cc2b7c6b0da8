import { Worker } from 'node:worker_threads'
import type { FuzzFigures } from './engine/fuzzer.ts'
import { SharedInput } from './engine/shared-input.ts'
import type { FromWorker, WorkerOrder } from './engine/worker-contract.ts'

/** An input that holds a worker for so long hangs. */
const HANG_MS = 30_000
const LOOK_MS = 500
/** A worker's young and old objects together: what needs more is a break. */
const HEAP_MIB = 768

export interface Ran {
  readonly ms: number
  readonly figures: FuzzFigures
  readonly kept: readonly Uint8Array[]
  readonly distilled: readonly Uint8Array[]
}

const NOTHING: FuzzFigures = {
  inputs: 0,
  edges: 0,
  kept: 0,
  slowestMs: 0,
  slowestBytes: 0,
  memoryPart: 0,
  breaks: []
}

/** Runs a target in a thread. One that hangs, dies or runs out of memory is ended, and what it was at is a break. */
export function runWorker(
  order: Omit<WorkerOrder, 'shared'>,
  maxBytes: number,
  isStopped: () => boolean
): Promise<Ran> {
  const shared = SharedInput.for(maxBytes)
  const register = new URL('./engine/register.mjs', import.meta.url).href
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...order, shared: shared.buffer } satisfies WorkerOrder,
    execArgv: ['--import', register, '--conditions=p2pool-source', '--enable-source-maps'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB }
  })
  const startMs = performance.now()
  let figures = NOTHING
  let distilled: readonly Uint8Array[] = []
  const kept: Uint8Array[] = []
  let fault: string | null = null
  let beat = shared.beat
  let beatMs = performance.now()
  const watch = setInterval(() => {
    if (isStopped()) shared.stop()
    if (shared.beat !== beat || beat === 0) {
      beat = shared.beat
      beatMs = performance.now()
    } else if (order.task === 'fuzz' && performance.now() - beatMs > HANG_MS) {
      fault = `hangs for ${HANG_MS / 1_000} s`
      void worker.terminate()
    }
  }, LOOK_MS)
  return new Promise(resolve => {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'distilled') distilled = message.inputs
      else {
        figures = message.figures
        kept.push(...message.kept)
      }
    })
    worker.on('error', error => {
      fault = `ends its thread with ${error.stack ?? error.message}`
    })
    worker.on('exit', () => {
      clearInterval(watch)
      const breaks = fault === null ? figures.breaks : [...figures.breaks, { what: fault, bytes: shared.input }]
      resolve({ ms: performance.now() - startMs, figures: { ...figures, breaks }, kept, distilled })
    })
  })
}
