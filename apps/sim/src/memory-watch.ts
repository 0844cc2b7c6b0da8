import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Progress } from '@p2poolv2/simnet'

const HOUR_MS = 3_600_000
const MB = 1e6
/**
 * Growth a node and virtual hour, disks aside, that is a leak for sure. The world itself keeps a record of every share and block, some
 * kilobytes an hour and node.
 */
const MAX_KB_PER_NODE_HOUR = 40

interface Sample {
  readonly hour: number
  readonly nodes: number
  /** Of JavaScript and of buffers outside of it, after a collection. */
  readonly heldBytes: number
  readonly diskBytes: number
}

/** What a long run holds, looked at once a virtual hour, and whether it grows in the second half. */
export class MemoryWatch {
  readonly #samples: Sample[] = []
  readonly #collect: () => void

  constructor() {
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
  }

  look({ elapsedMs, nodes, diskBytes }: Progress): void {
    const hour = elapsedMs / HOUR_MS
    const last = this.#samples.at(-1)
    if (hour < (last?.hour ?? 0) + 1) return
    this.#collect()
    const { heapUsed, external } = process.memoryUsage()
    const sample = { hour, nodes, heldBytes: heapUsed + external, diskBytes: diskBytes() }
    this.#samples.push(sample)
    process.stderr.write(
      `memory at ${hour.toFixed(1)} h: ${mb(sample.heldBytes)} MB held, ${mb(sample.diskBytes)} MB of it on virtual disks\n`
    )
  }

  /** Tells the slopes of the second half. @returns whether what is held stays the same, disks aside */
  judge(): boolean {
    const half = this.#samples.slice(Math.floor(this.#samples.length / 2))
    if (half.length < 3) {
      process.stderr.write('memory: a run for fewer than five virtual hours says nothing about growth\n')
      return false
    }
    const slope = (of: (sample: Sample) => number): number => slopeOf(half.map(sample => [sample.hour, of(sample)]))
    const nodes = half.at(-1)?.nodes ?? 1
    const disks = slope(({ diskBytes }) => diskBytes)
    const rest = slope(({ heldBytes, diskBytes }) => heldBytes - diskBytes)
    const kbPerNodeHour = rest / nodes / 1_000
    const isFlat = kbPerNodeHour <= MAX_KB_PER_NODE_HOUR
    process.stderr.write(
      `memory, second half of ${half.at(-1)?.hour.toFixed(0)} hours: virtual disks grow ${(disks / 1_000).toFixed(0)} kB an hour, ` +
        `all else ${(rest / 1_000).toFixed(0)} kB, ${kbPerNodeHour.toFixed(1)} kB a node: ${isFlat ? 'flat' : 'NOT FLAT'}\n`
    )
    return isFlat
  }
}

/** Of the straight line that fits best, in y a unit of x. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const along = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const square = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return square === 0 ? 0 : along / square
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(1)
}
