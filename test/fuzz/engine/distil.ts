import type { Coverage } from './coverage.ts'
import type { Target } from './target.ts'
import { tryInput } from './trial.ts'

/** No corpus of a target is larger than this in the repository, seeds left out: what is beyond is found again within a minute. */
export const MAX_DISTILLED_BYTES = 4_096

/**
 * The fewest and shortest of many inputs that come by every place which the target's seeds do not.
 * @param inputs that came by something new
 */
export async function distilled(
  target: Target,
  coverage: Coverage,
  inputs: readonly Uint8Array[]
): Promise<readonly Uint8Array[]> {
  const placesOf = async (bytes: Uint8Array): Promise<Uint32Array> => {
    coverage.begin()
    await tryInput(target, bytes, 'time')
    return coverage.places()
  }
  const covered = new Set<number>()
  for (const seed of target.seeds()) for (const place of await placesOf(seed)) covered.add(place)
  const result: Uint8Array[] = []
  let total = 0
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    const needed = [...(await placesOf(input))].filter(place => !covered.has(place))
    if (needed.length === 0) continue
    const short = await shortened(input, async bytes => {
      const places = new Set(await placesOf(bytes))
      return needed.every(place => places.has(place))
    })
    if (total + short.length > MAX_DISTILLED_BYTES) continue
    total += short.length
    result.push(short)
    for (const place of needed) covered.add(place)
  }
  return result
}

/** Leaves out pieces, large ones first, as long as what is left is as good. */
async function shortened(input: Uint8Array, isGood: (bytes: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best = input
  for (let piece = best.length >>> 1; piece > 0; piece >>>= 1) {
    for (let at = 0; at + piece <= best.length; ) {
      const rest = new Uint8Array(best.length - piece)
      rest.set(best.subarray(0, at))
      rest.set(best.subarray(at + piece), at)
      if (await isGood(rest)) best = rest
      else at += piece
    }
  }
  return best
}
