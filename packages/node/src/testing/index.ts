export type { RigOptions, TemplateSpec } from './rig.ts'
export {
  A_BLOCK,
  A_SHARE,
  address,
  EASY_BITS,
  effectsOf,
  factsOf,
  GENESIS_SEC,
  HARD_BITS,
  PARAMS,
  Rig,
  SETTINGS,
  SHARE_BITS,
  SHARE_TARGET,
  SOURCE,
  START_MS,
  sharesMade,
  template
} from './rig.ts'
export type { MinerFind, MinerJob } from './scripted-miner.ts'
export { ScriptedMiner } from './scripted-miner.ts'
