import { describeHistoryStore } from '../testing/history-store-suite.ts'
import { type HistoryStore, MemoryHistoryStore } from './store.ts'

/** The synchronous twin behind the asynchronous port. */
function asPort(store: MemoryHistoryStore): HistoryStore {
  return {
    commit: async delta => store.commitNow(delta),
    readFrames: async (level, range, workers) => store.framesNow(level, range, workers),
    readSeries: async () => store.seriesNow(),
    close: async () => undefined
  }
}

describeHistoryStore('in memory', async () => {
  const store = new MemoryHistoryStore()
  return { store: asPort(store), reopen: async () => asPort(store), dispose: async () => undefined }
})
