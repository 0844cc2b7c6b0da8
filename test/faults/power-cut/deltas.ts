import { seededRng } from '@p2poolv2/primitives'
import { bodyKey, type ChainDelta } from '@p2poolv2/sharechain'
import { deltaOf, hashOf } from '@p2poolv2/sharechain/testing'

/** The body that the delta of this number writes: most are of a usual share's size, some fill the log. */
export function bodyOf(n: number): Uint8Array {
  const rng = seededRng(`power cut ${n}`)
  return rng.bytes(200 + (rng.u32() % (n % 5 === 0 ? 90_000 : 2_000)))
}

/** Every twelfth is promised to be on the platter. */
export function promisedDelta(n: number): ChainDelta {
  return deltaOf(n, {
    puts: [{ key: bodyKey(hashOf(n)), value: bodyOf(n) }],
    durability: n % 12 === 0 ? 'flushed' : 'buffered'
  })
}
