/** Places of all files that can be loaded; the repository has some thirty thousand. */
const MAX_PLACES = 262_144
/** How often a place was come by is told apart as 1, 2, 3, 4 to 7, 8 to 15, … 64 or more. */
const BUCKETS = 8

/** What instrumented sources find as `globalThis.__fuzz`. */
interface Probe {
  readonly hit: (place: number) => void
  /** Gives a file its numbers. @returns the first of them */
  readonly open: (path: string, places: number, tokens: readonly string[]) => number
}

interface SeenFile {
  readonly path: string
  readonly first: number
  readonly places: number
  readonly tokens: readonly string[]
}

const counts = new Uint32Array(MAX_PLACES)
const touched = new Uint32Array(MAX_PLACES)
let touchedCount = 0

/** Which places the program came by since `begin`, and which of that had never been seen. One for a process. */
export class Coverage {
  readonly #files: SeenFile[] = []
  /** A bit for each bucket of each place. */
  readonly #seen = new Uint8Array(MAX_PLACES)
  #next = 0
  #edges = 0

  /** Makes itself known to the sources that are loaded from now on. */
  install(): this {
    const hit = (place: number): void => {
      const count = counts[place] as number
      if (count === 0) touched[touchedCount++] = place
      counts[place] = count + 1
    }
    const open = (path: string, places: number, tokens: readonly string[]): number => {
      const first = this.#next
      this.#next += places
      if (this.#next > MAX_PLACES) throw new Error('more places than there is room for')
      this.#files.push({ path, first, places, tokens })
      return first
    }
    const probe: Probe = { hit, open }
    Object.assign(globalThis, { __fuzz: probe })
    return this
  }

  /** Places that were seen at all. */
  get edges(): number {
    return this.#edges
  }

  begin(): void {
    for (let i = 0; i < touchedCount; i++) counts[touched[i] as number] = 0
    touchedCount = 0
  }

  /** Takes note of what was come by since `begin`. `features`: buckets never seen; `edges`: places among them. */
  take(): { readonly features: number; readonly edges: number } {
    let features = 0
    let edges = 0
    for (let i = 0; i < touchedCount; i++) {
      const place = touched[i] as number
      const bit = 1 << bucketOf(counts[place] as number)
      const seen = this.#seen[place] as number
      if ((seen & bit) !== 0) continue
      features += 1
      if (seen === 0) edges += 1
      this.#seen[place] = seen | bit
    }
    this.#edges += edges
    return { features, edges }
  }

  /** The places come by since `begin`. */
  places(): Uint32Array {
    return touched.slice(0, touchedCount)
  }

  /** What the sources name that the program has come by so far. */
  tokens(): string[] {
    const isSeen = ({ first, places }: SeenFile): boolean =>
      this.#seen.subarray(first, first + places).some(bits => bits !== 0)
    return [...new Set(this.#files.filter(isSeen).flatMap(({ tokens }) => tokens))]
  }

  /** Forgets all that was seen. */
  reset(): void {
    this.#seen.fill(0)
    this.#edges = 0
  }
}

function bucketOf(count: number): number {
  if (count < 4) return count - 1
  return Math.min(BUCKETS - 1, 32 - Math.clz32(count))
}
