import type { BlockWatch } from './block-watch.ts'
import type { Ledger } from './ledger.ts'

/** One connection of the load, whatever protocol it speaks. */
export interface CrowdMiner {
  /** It has its first job. */
  readonly isReady: boolean
  /** Submits without an answer. */
  readonly unanswered: number
  /** Of its connection since it was opened. */
  readonly traffic: { readonly writtenBytes: number; readonly readBytes: number }
  /**
   * Tries at most so many hashes, and submits the first that is good enough.
   * @returns whether one was
   */
  work(hashes: number): boolean
}

export interface CrowdMinerDeps {
  readonly ledger: Ledger
  readonly watch: BlockWatch
  readonly nowMs: () => number
  /** It has its first job. */
  readonly onReady: (miner: CrowdMiner) => void
  /** The connection ended, whenever that was. */
  readonly onLost: (miner: CrowdMiner, why: string) => void
  /** A submit of its was answered. */
  readonly onAnswer: (miner: CrowdMiner) => void
}
