/** Keeps one submit after another in the directory it is given, and tells each as soon as it may. Ends when it is killed. */
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
  if (!store.keep()) throw new Error('the disk refuses')
  process.stdout.write(`${n}\n`)
  // The database comes along behind.
  if (n % 50 === 0) await new Promise(setImmediate)
}
