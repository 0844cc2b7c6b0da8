import { frameOf } from '@p2poolv2/stratum/sv2'

/** Accepted submits that were not told of yet: those of one read are told at once. Source: sv2 §3.5. */
export class SuccessBatch {
  #count = 0
  #lastSequenceNumber = 0
  #difficulty = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** @param difficulty what it is credited with */
  add(sequenceNumber: number, difficulty: number): void {
    this.#count += 1
    this.#lastSequenceNumber = sequenceNumber
    this.#difficulty += difficulty
  }

  /** @returns null when there are none; the sum is of whole difficulties, rounded, as the message has no others */
  take(channelId: number): Uint8Array | null {
    if (this.#count === 0) return null
    const frame = frameOf('SubmitSharesSuccess', {
      channelId,
      lastSequenceNumber: this.#lastSequenceNumber,
      newSubmitsAcceptedCount: this.#count,
      newSharesSum: BigInt(Math.round(this.#difficulty))
    })
    this.#count = 0
    this.#difficulty = 0
    return frame
  }
}
