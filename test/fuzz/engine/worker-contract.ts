import type { TargetModule } from '../targets/all.ts'
import type { FuzzFigures } from './fuzzer.ts'

export interface WorkerOrder {
  readonly task: 'fuzz' | 'distil'
  /** Where the target is. */
  readonly module: TargetModule
  readonly target: string
  readonly corpus: readonly Uint8Array[]
  readonly seed: string
  readonly ms: number
  readonly shared: SharedArrayBuffer
}

export type FromWorker =
  | { readonly type: 'figures'; readonly figures: FuzzFigures; readonly kept: readonly Uint8Array[] }
  | { readonly type: 'distilled'; readonly inputs: readonly Uint8Array[] }
