export type { RigOptions } from './rig.ts'
export { A_BLOCK, A_SHARE, address, EASY_BITS, Rig, SOURCE, sharesMade, template } from './rig.ts'
export { type MinerFind, type MinerJob, ScriptedMiner } from './scripted-miner.ts'
