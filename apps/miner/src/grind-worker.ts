import { parentPort, workerData } from 'node:worker_threads'
import type { Target } from '@p2poolv2/primitives'
import { grind, headerFor, type MinerJob } from '@p2poolv2/stratum/client'

/** What the main thread tells a grinding thread. */
export type GrindOrder =
  | { readonly type: 'work'; readonly job: MinerJob; readonly extranonce1: Uint8Array; readonly target: Target }
  | { readonly type: 'rest' }

/** What a grinding thread reports. */
export type GrindReport =
  | {
      readonly type: 'found'
      readonly jobId: string
      readonly extranonce2: Uint8Array
      readonly timeHex: string
      readonly nonce: number
    }
  | { readonly type: 'hashes'; readonly count: number }

/** How a thread is told its place and its speed limit. */
export interface GrindSettings {
  readonly threadIndex: number
  /** Hashes a second this thread may do; 0 means no limit. */
  readonly maxHashrateHps: number
}

const SLICE_MS = 25
const FIRST_SLICE_HASHES = 2_000
const NONCES = 0x1_0000_0000

const settings = workerData as GrindSettings
const port = parentPort
if (port === null) throw new Error('grind-worker.js runs as a worker thread only')

let order: Extract<GrindOrder, { type: 'work' }> | null = null
let extranonce2Counter = 0n
let extranonce2: Uint8Array = new Uint8Array(8)
let header: Uint8Array = new Uint8Array(80)
let nextNonce = NONCES
let sliceHashes = FIRST_SLICE_HASHES

port.on('message', (message: GrindOrder) => {
  if (message.type === 'rest') {
    order = null
    return
  }
  const wasResting = order === null
  order = message
  nextNonce = NONCES
  if (wasResting) setImmediate(slice)
})

function nextHeader(work: Extract<GrindOrder, { type: 'work' }>): void {
  // The first byte is the thread's own, so threads never try the same coinbase.
  extranonce2Counter += 1n
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, extranonce2Counter)
  extranonce2 = new Uint8Array(counter.buffer)
  extranonce2[0] = settings.threadIndex
  header = headerFor(work.job, work.extranonce1, extranonce2)
  nextNonce = 0
}

function slice(): void {
  if (order === null || port === null) return
  const work = order
  if (nextNonce >= NONCES) nextHeader(work)
  const startedMs = performance.now()
  const nonce = grind(header, work.target, { firstNonce: nextNonce, count: sliceHashes })
  const done = nonce < 0 ? sliceHashes : nonce - nextNonce + 1
  nextNonce += done
  const tookMs = performance.now() - startedMs
  if (nonce >= 0) {
    port.postMessage({
      type: 'found',
      jobId: work.job.id,
      extranonce2,
      timeHex: work.job.timeHex,
      nonce
    } satisfies GrindReport)
  } else {
    sliceHashes = Math.max(100, Math.round((sliceHashes * SLICE_MS) / Math.max(tookMs, 1)))
  }
  port.postMessage({ type: 'hashes', count: done } satisfies GrindReport)
  const allowedMs = settings.maxHashrateHps > 0 ? (done / settings.maxHashrateHps) * 1000 : 0
  if (allowedMs > tookMs) setTimeout(slice, allowedMs - tookMs)
  else setImmediate(slice)
}
