import { DEFAULT_START_PROFILES, DEFAULT_VARDIFF, type SessionSettings, type StartProfile } from '@p2poolv2/stratum'
import type { Config } from './config-schema.ts'

/** The version bits miners may roll (BIP 320). */
const VERSION_MASK = 0x1fffe000

/** Below every share target of a devnet, which are millions of times easier than bitcoin's difficulty 1. */
const DEVNET_MINIMUM_DIFFICULTY = 1e-6

/** Our own CPU miner does some ten thousand hashes a second: a share every few seconds from the first job on. */
const OWN_MINER: StartProfile = {
  userAgentPrefix: 'p2poolv2-cpuminer',
  startDifficulty: 0.00002,
  floorDifficulty: null
}

/** What all sessions of this node share, from the configuration. */
export function sessionSettings(config: Config): SessionSettings {
  const { minimum_difficulty, maximum_difficulty, start_difficulty } = config.stratum
  return {
    versionMask: VERSION_MASK,
    vardiff: {
      ...DEFAULT_VARDIFF,
      minDifficulty:
        config.chain === 'devnet' ? Math.min(minimum_difficulty, DEVNET_MINIMUM_DIFFICULTY) : minimum_difficulty,
      maxDifficulty: maximum_difficulty ?? DEFAULT_VARDIFF.maxDifficulty,
      startDifficulty: start_difficulty ?? DEFAULT_VARDIFF.startDifficulty
    },
    startProfiles: [OWN_MINER, ...DEFAULT_START_PROFILES]
  }
}
