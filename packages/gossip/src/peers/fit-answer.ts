import { MAX_BATCH_HEADERS } from '@p2poolv2/consensus'
import type { Height } from '@p2poolv2/primitives'
import { joinHeaderBatches } from '../wire/header-join.ts'
import { wrapEncoded } from '../wire/messages.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/protocols.ts'

/** The message's type and its two counts. */
const AROUND_BYTES = 16

/**
 * The message for a header answer. A height goes whole or not at all, and what a chain needs of one height has no bound of its own
 * (protocol §18.5), so what a message cannot carry is left out from the top.
 * @param batches header batches of one header each, as stored
 * @param heights of these headers, rising
 * @param least headers: fewer would tell the asker that there are no more
 * @returns null if no message can carry so many
 */
export function headersMessage(
  batches: readonly Uint8Array[],
  heights: readonly Height[],
  least: number
): Uint8Array | null {
  const whole = batches.length > MAX_BATCH_HEADERS ? null : encoded(batches)
  if (whole !== null && whole.length <= MAX_PAYLOAD_BYTES) return whole
  // Their own lengths are a bound: joined they share branches.
  let bytes = AROUND_BYTES
  let count = 0
  while (count < Math.min(batches.length, MAX_BATCH_HEADERS)) {
    bytes += batches[count]?.length ?? 0
    if (bytes > MAX_PAYLOAD_BYTES) break
    count++
  }
  while (count > 0 && heights[count] === heights[count - 1]) count--
  return count < least ? null : encoded(batches.slice(0, count))
}

function encoded(batches: readonly Uint8Array[]): Uint8Array {
  return wrapEncoded('shareHeaders', joinHeaderBatches(batches))
}
