import { BoundedMap } from '@p2poolv2/primitives'
import type { MinerId } from '../contract.ts'
import type { Miner } from './miners.ts'

/** Connections being closed of which lines may still come. They end within seconds; at the cap the oldest is not heard any more. */
export const MAX_LEAVING_MINERS = 256
/** Lines of one that are still looked at: many more than a miner has on their way, and no reason to flood. */
export const MAX_LATE_LINES = 64

/**
 * Miners that were told to go and whose connection is not gone yet. What they sent before they knew of it is answered by nobody,
 * and may be a block.
 */
export class LeavingMiners {
  readonly #byId = new BoundedMap<MinerId, { readonly miner: Miner; linesLeft: number }>(MAX_LEAVING_MINERS)

  /** One that never had work has nothing to submit. */
  add(miner: Miner): void {
    if (miner.lastWorkId !== null) this.#byId.set(miner.id, { miner, linesLeft: MAX_LATE_LINES })
  }

  /** The miner, and those of its lines that are to be looked at; null when nobody listens to it. */
  hear(
    id: MinerId,
    lines: readonly Uint8Array[]
  ): { readonly miner: Miner; readonly lines: readonly Uint8Array[] } | null {
    const leaving = this.#byId.get(id)
    if (leaving === undefined) return null
    const heard = lines.slice(0, leaving.linesLeft)
    leaving.linesLeft -= heard.length
    if (leaving.linesLeft === 0) this.#byId.delete(id)
    return { miner: leaving.miner, lines: heard }
  }

  /** Its connection is gone. */
  gone(id: MinerId): void {
    this.#byId.delete(id)
  }

  /** Works before this one are kept no longer: who solved one could not be told. */
  forgetWorksBefore(workId: number): void {
    for (const { miner } of this.#byId.values()) miner.session.forgetWorksBefore(workId)
  }

  checkInvariants(): void {
    this.#byId.checkInvariants()
  }
}
