export { LevelStore, openLevelStore } from './level-store.ts'
export { repairLevelStore } from './repair.ts'
