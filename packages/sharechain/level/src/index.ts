export { LevelStore, openLevelStore } from './level-store.ts'
