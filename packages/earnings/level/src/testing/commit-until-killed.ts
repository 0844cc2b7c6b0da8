import { frameRow } from '@p2poolv2/earnings'
import { frameAt } from '@p2poolv2/earnings/testing/history-store-suite'
import { openLevelHistory } from '../level-history.ts'

// A process of its own: commits one minute after the other and says each number once it is in, until it is killed.
const [directory = ''] = process.argv.slice(2)
const store = await openLevelHistory(directory)
for (let n = 1; ; n++) {
  await store.commit({ puts: [frameRow(frameAt('minute', n * 60, n))], forget: [] })
  process.stdout.write(`${n}\n`)
}
