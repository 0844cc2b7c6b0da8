export { HistoryKeeper } from './history-keeper.ts'
export { HistoryUnavailable, openLevelHistory } from './level-history.ts'
export { memoryHistory } from './memory-history.ts'
