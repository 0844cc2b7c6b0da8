import { TEST_IDENTITY } from '../testing/deltas.ts'
import { describeShareStore } from '../testing/share-store-suite.ts'
import { MemoryStore } from './memory-store.ts'
import type { ShareStore } from './share-store.ts'

/** The synchronous twin behind the asynchronous port. */
function asPort(store: MemoryStore): ShareStore {
  return {
    async *load() {
      yield store.rows()
    },
    commit: async (...deltas) => store.commitNow(...deltas),
    readShares: async hashes => store.readNow(hashes),
    readHeaders: async hashes => store.readHeadersNow(hashes),
    readArchive: async (locator, limit) => store.archiveNow(locator, limit),
    readBlocks: async (limit, below) => store.blocksNow(limit, below),
    countBlocks: async () => store.blockCountNow(),
    close: async () => undefined
  }
}

describeShareStore('in memory', async () => {
  const store = new MemoryStore(TEST_IDENTITY)
  return { store: asPort(store), reopen: async () => asPort(store), dispose: async () => undefined }
})
