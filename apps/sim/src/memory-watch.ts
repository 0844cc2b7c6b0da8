import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Progress } from '@p2poolv2/simnet'

const HOUR_MS = 3_600_000
const MB = 1e6
/**
 * How much more the last third of a run may hold at most than the third before, disks aside: a leak shows there. What is held goes up and
 * down by half with what is under way and with how many nodes are up, and caches take hours to fill: a slope says little.
 */
const MAX_GROWTH_OF_PEAK = 1.1

interface Sample {
  readonly hour: number
  /** Of JavaScript and of buffers outside of it, after a collection. */
  readonly heldBytes: number
  readonly diskBytes: number
}

/** What a long run holds, looked at once a virtual hour, and whether it grows in the last third. */
export class MemoryWatch {
  readonly #samples: Sample[] = []
  readonly #collect: () => void

  constructor() {
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
  }

  look({ elapsedMs, diskBytes }: Progress): void {
    const hour = elapsedMs / HOUR_MS
    const last = this.#samples.at(-1)
    if (hour < (last?.hour ?? 0) + 1) return
    this.#collect()
    const { heapUsed, external } = process.memoryUsage()
    const sample = { hour, heldBytes: heapUsed + external, diskBytes: diskBytes() }
    this.#samples.push(sample)
    process.stderr.write(
      `memory at ${hour.toFixed(1)} h: ${mb(sample.heldBytes)} MB held, ${mb(sample.diskBytes)} MB of it on virtual disks\n`
    )
  }

  /** Tells what the thirds held at most. @returns whether the last one held about as much as the one before, disks aside */
  judge(): boolean {
    const third = Math.floor(this.#samples.length / 3)
    if (third < 3) {
      process.stderr.write('memory: a run for fewer than nine virtual hours says nothing about growth\n')
      return false
    }
    const [before, last] = [this.#samples.slice(-2 * third, -third), this.#samples.slice(-third)].map(peakOf)
    if (before === undefined || last === undefined) return false
    const isFlat = last <= before * MAX_GROWTH_OF_PEAK
    const first = this.#samples.at(-third)?.diskBytes ?? 0
    const grown = (this.#samples.at(-1)?.diskBytes ?? 0) - first
    process.stderr.write(
      `memory: the last ${third} hours held ${mb(last)} MB at most, the ${third} before ${mb(before)} MB, ` +
        `virtual disks aside, which grew by ${mb(grown)} MB: ${isFlat ? 'flat' : 'NOT FLAT'}\n`
    )
    return isFlat
  }
}

/** The most held beside what is on virtual disks, which grow with the chain. */
function peakOf(samples: readonly Sample[]): number {
  return Math.max(...samples.map(({ heldBytes, diskBytes }) => heldBytes - diskBytes))
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(1)
}
