// One target in a thread of its own, whose sources say where they come by: see `engine/hooks.mjs`.
// First: what is imported behind it calls it.
import './engine/probe.ts'
import { parentPort, workerData } from 'node:worker_threads'
import { distilled } from './engine/distil.ts'
import { Fuzzer } from './engine/fuzzer.ts'
import { COVERAGE } from './engine/probe.ts'
import { SharedInput } from './engine/shared-input.ts'
import type { FromWorker, WorkerOrder } from './engine/worker-contract.ts'
import { targetsOf } from './targets/all.ts'

const REPORT_MS = 2_000
/** Inputs between two looks at the clock. */
const TURN = 64

const order = workerData as WorkerOrder
const say = (message: FromWorker): void => parentPort?.postMessage(message)
const target = (await targetsOf(order.module)).find(({ name }) => name === order.target)
if (target === undefined) throw new Error(`no target ${order.target}`)

if (order.task === 'distil') {
  say({ type: 'distilled', inputs: await distilled(target, COVERAGE, order.corpus) })
} else {
  const shared = new SharedInput(order.shared)
  const kept: Uint8Array[] = []
  const fuzzer = new Fuzzer({
    target,
    coverage: COVERAGE,
    seed: order.seed,
    corpus: order.corpus,
    onInput: bytes => {
      shared.input = bytes
    },
    onKept: bytes => kept.push(bytes)
  })
  const report = (): void => say({ type: 'figures', figures: fuzzer.figures, kept: kept.splice(0) })
  const endMs = performance.now() + order.ms
  let nextMs = performance.now() + REPORT_MS
  while (performance.now() < endMs && !shared.isToStop) {
    for (let i = 0; i < TURN; i++) await fuzzer.step()
    if (performance.now() < nextMs) continue
    report()
    nextMs = performance.now() + REPORT_MS
    // Lets messages out.
    await new Promise(setImmediate)
  }
  report()
}
await target.end?.()
