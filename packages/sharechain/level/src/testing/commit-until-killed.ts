import { bodyKey } from '@p2poolv2/sharechain'
import { deltaOf, hashOf, TEST_IDENTITY } from '@p2poolv2/sharechain/testing'
import { openLevelStore } from '../level-store.ts'
import { KILLED_BODY } from './killed-body.ts'

// A process of its own: commits one delta after the other and says each number once it is in, until it is killed.
const [directory = ''] = process.argv.slice(2)
const store = await openLevelStore(directory, TEST_IDENTITY)
for (let n = 1; ; n++) {
  await store.commit(deltaOf(n, { puts: [{ key: bodyKey(hashOf(n)), value: KILLED_BODY }] }))
  process.stdout.write(`${n}\n`)
}
