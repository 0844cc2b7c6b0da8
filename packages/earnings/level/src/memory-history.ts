import { type HistoryStore, MemoryHistoryStore } from '@p2poolv2/earnings'

/** A history that lasts as long as the program, for a node whose disk takes none: as large as what it keeps, 34 MB at most. */
export function memoryHistory(): HistoryStore {
  const store = new MemoryHistoryStore()
  return {
    commit: async delta => store.commitNow(delta),
    readFrames: async (level, range, workers) => store.framesNow(level, range, workers),
    readSeries: async () => store.seriesNow(),
    close: async () => undefined
  }
}
