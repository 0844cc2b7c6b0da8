import type { SessionSettings, StartProfile } from '@p2poolv2/stratum'
import type { Config } from './config-schema.ts'

/** The version bits miners may roll (BIP 320). */
const VERSION_MASK = 0x1fffe000
/** One share in 3.3 s a miner: enough to see it live, few enough for a thousand miners (stratum §4.7). */
const TARGET_SHARES_PER_SEC = 0.3
const DEFAULT_START_DIFFICULTY = 1_024
/** Beyond every machine that exists, so that it only stops nonsense. */
const DEFAULT_MAXIMUM_DIFFICULTY = 1e15

/** First difficulties by firmware (stratum §4.6): chosen so that a healthy miner's first share comes within seconds. */
const START_PROFILES: readonly StartProfile[] = [
  { userAgentPrefix: 'NerdMiner', startDifficulty: 0.0005, floorDifficulty: null },
  { userAgentPrefix: 'SparkMiner', startDifficulty: 0.0005, floorDifficulty: null },
  { userAgentPrefix: 'p2poolv2-cpuminer/', startDifficulty: 0.00002, floorDifficulty: null },
  { userAgentPrefix: 'cpuminer', startDifficulty: 0.01, floorDifficulty: null },
  // The ASIC drivers of this firmware report nothing below 256.
  { userAgentPrefix: 'bitaxe/', startDifficulty: 512, floorDifficulty: 256 },
  { userAgentPrefix: 'NerdAxe', startDifficulty: 512, floorDifficulty: 256 },
  { userAgentPrefix: 'NerdQAxe', startDifficulty: 2_048, floorDifficulty: 256 },
  { userAgentPrefix: 'Antminer', startDifficulty: 65_536, floorDifficulty: null },
  { userAgentPrefix: 'whatsminer', startDifficulty: 65_536, floorDifficulty: null },
  { userAgentPrefix: 'NiceHash/', startDifficulty: 524_288, floorDifficulty: 524_288 }
]

/** What all sessions of this node share, from the configuration. */
export function sessionSettings(config: Config): SessionSettings {
  const { minimum_difficulty, maximum_difficulty, start_difficulty } = config.stratum
  // A development chain's shares are millions of times easier than bitcoin's difficulty 1.
  const minDifficulty = config.chain === 'devnet' ? Math.min(minimum_difficulty, 1e-6) : minimum_difficulty
  return {
    versionMask: VERSION_MASK,
    vardiff: {
      retarget: 'on',
      targetSharesPerSec: TARGET_SHARES_PER_SEC,
      minDifficulty,
      maxDifficulty: maximum_difficulty ?? DEFAULT_MAXIMUM_DIFFICULTY,
      startDifficulty: start_difficulty ?? DEFAULT_START_DIFFICULTY
    },
    startProfiles: START_PROFILES
  }
}
