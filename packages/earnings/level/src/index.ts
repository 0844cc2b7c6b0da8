export { HistoryUnavailable, openLevelHistory } from './level-history.ts'
