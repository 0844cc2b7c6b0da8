/** Keeps one submit after another in the directory it is given, and tells each once it is written. Ends when it is killed. */
import { AccountingStore } from '../accounting-store.ts'

const [directory = ''] = process.argv.slice(2)
const { store } = await AccountingStore.open(directory, {
  chain: 'regtest',
  onFailed: error => {
    throw error
  }
})
for (let n = 1; ; n++) {
  store.push({
    puts: [{ slice: 1, address: 'bcrt1qexampleexample', workHashes: BigInt(n) * 1_000n, submits: n }],
    deletes: []
  })
  await store.drained()
  process.stdout.write(`${n}\n`)
}
