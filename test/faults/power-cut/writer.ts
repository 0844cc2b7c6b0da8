/**
 * A process of its own: writes deltas into a store, and after each that was promised to be on the platter its number into a file beside
 * the store.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLevelStore } from '@p2poolv2/sharechain/level'
import { TEST_IDENTITY } from '@p2poolv2/sharechain/testing'
import { promisedDelta } from './deltas.ts'

const [folder = '', deltas = '0'] = process.argv.slice(2)
const store = await openLevelStore(join(folder, 'store'), TEST_IDENTITY)
for (let n = 1; n <= Number(deltas); n++) {
  const delta = promisedDelta(n)
  await store.commit(delta)
  if (delta.durability === 'flushed') appendFileSync(join(folder, 'promises'), `${n}\n`)
}
await store.close()
