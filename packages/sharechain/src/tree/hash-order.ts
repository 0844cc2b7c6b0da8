import type { ShareHash } from '@p2poolv2/primitives'

/**
 * Order of two share hashes as the network compares them: by their bytes in digest order, which is the text read backwards
 * in pairs of digits. Negative when `a` comes first. No allocation.
 */
export function compareDigests(a: ShareHash, b: ShareHash): number {
  for (let at = 62; at >= 0; at -= 2) {
    const high = a.charCodeAt(at) - b.charCodeAt(at)
    if (high !== 0) return high
    const low = a.charCodeAt(at + 1) - b.charCodeAt(at + 1)
    if (low !== 0) return low
  }
  return 0
}
