import { concatBytes } from '@p2poolv2/primitives'
import { FRAME_HEADER_BYTES, type MessageName, messageName, readHead } from '@p2poolv2/stratum/sv2'

const WORK: ReadonlySet<MessageName | null> = new Set<MessageName>([
  'SetTarget',
  'NewMiningJob',
  'NewExtendedMiningJob',
  'SetNewPrevHash'
])

/** The frames of an output, one by one; they share its bytes. */
export function framesIn(output: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < output.length; ) {
    const end = at + FRAME_HEADER_BYTES + readHead(output.subarray(at)).payloadBytes
    frames.push(output.subarray(at, end))
    at = end
  }
  return frames
}

/** Whether a session's output is work and nothing else: a job, with or without a target before it and a previous hash after. */
export function isWorkFrames(output: Uint8Array): boolean {
  return WORK.has(messageName(output))
}

/**
 * One work in place of two that were not written yet: the newer job, the last target said, and the previous hash, with the job
 * that it names, if only the older work had one. For sockets that drain too slowly.
 * @param older, newer each an `isWorkFrames` of one channel, as a session sends it
 */
export function newestFrames(older: Uint8Array, newer: Uint8Array): Uint8Array {
  const before = framesIn(older)
  const after = framesIn(newer)
  const has = (frames: readonly Uint8Array[], name: MessageName): boolean =>
    frames.some(frame => messageName(frame) === name)
  const target = has(after, 'SetTarget') ? [] : before.filter(frame => messageName(frame) === 'SetTarget').slice(-1)
  const prevHashAt = has(after, 'SetNewPrevHash') ? -1 : before.map(messageName).lastIndexOf('SetNewPrevHash')
  // A previous hash comes right after the job it names.
  const renewed = prevHashAt < 1 ? [] : before.slice(prevHashAt - 1, prevHashAt + 1)
  return concatBytes(...target, ...renewed, ...after)
}
