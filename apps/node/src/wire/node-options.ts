import { VERSION_ROLLING_MASK } from '@p2poolv2/bitcoin'
import {
  type ChainParams,
  type ConsensusAddress,
  consensusAddress,
  type PayoutCut,
  parseShareAddress
} from '@p2poolv2/consensus'
import type { NodeCoreOptions } from '@p2poolv2/node'
import { asciiToBytes } from '@p2poolv2/primitives'
import { DEFAULT_START_PROFILES, DEFAULT_VARDIFF, type SessionSettings, type StartProfile } from '@p2poolv2/stratum'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
import { VERSION } from '../version.ts'

/** Below every share target of a devnet, which are millions of times easier than bitcoin's difficulty 1. */
const DEVNET_MINIMUM_DIFFICULTY = 1e-6

/** Our own CPU miner does some ten thousand hashes a second: a share every few seconds from the first job on. */
const OWN_MINER: StartProfile = {
  userAgentPrefix: 'p2poolv2-cpuminer',
  startDifficulty: 0.00002,
  floorDifficulty: null
}

/** What the configuration says of the node machine. */
export function configuredOptions(
  config: Config,
  params: ChainParams
): Pick<
  NodeCoreOptions,
  | 'params'
  | 'mode'
  | 'allowsPrivateFork'
  | 'donation'
  | 'fee'
  | 'poolSignature'
  | 'configuredShareProgram'
  | 'stratum'
  | 'tooLarge'
  | 'bareNamePayout'
  | 'version'
> {
  return {
    params,
    mode: config.mode,
    ...payoutCuts(config, params),
    poolSignature: asciiToBytes(config.stratum.pool_signature),
    configuredShareProgram: configuredShareProgram(config, params),
    stratum: sessionSettings(config),
    tooLarge: config.stratum.too_large,
    bareNamePayout: bareNamePayout(config, params),
    allowsPrivateFork: config.p2p.private_fork,
    version: VERSION
  }
}

/** What all sessions of this node share. */
function sessionSettings(config: Config): SessionSettings {
  const { minimum_difficulty, maximum_difficulty, start_difficulty } = config.stratum
  const { minDifficulty } = DEFAULT_VARDIFF
  return {
    versionMask: VERSION_ROLLING_MASK,
    vardiff: {
      ...DEFAULT_VARDIFF,
      minDifficulty: minimum_difficulty ?? (config.chain === 'devnet' ? DEVNET_MINIMUM_DIFFICULTY : minDifficulty),
      setMinimum: minimum_difficulty ?? null,
      maxDifficulty: maximum_difficulty ?? DEFAULT_VARDIFF.maxDifficulty,
      startDifficulty: start_difficulty ?? DEFAULT_VARDIFF.startDifficulty
    },
    startProfiles: [OWN_MINER, ...DEFAULT_START_PROFILES]
  }
}

function payoutCuts(config: Config, params: ChainParams): { donation: PayoutCut | null; fee: PayoutCut | null } {
  const { donation_address, donation, fee_address, fee } = config.stratum
  return {
    donation: payoutCut('donation', params, { address: donation_address, bps: donation }),
    fee: payoutCut('fee', params, { address: fee_address, bps: fee })
  }
}

function payoutCut(
  name: 'donation' | 'fee',
  params: ChainParams,
  cut: { readonly address: string | undefined; readonly bps: number | undefined }
): PayoutCut | null {
  if (cut.address === undefined || cut.bps === undefined || cut.bps === 0) return null
  const address = consensusAddress(cut.address, params.addressNetwork)
  if (address === null)
    throw new ConfigError(`stratum.${name}_address "${cut.address}" is not an address of this chain`)
  return { address, bps: cut.bps }
}

function bareNamePayout(config: Config, params: ChainParams): ConsensusAddress | null {
  const text = config.stratum.bare_name_address
  if (text === undefined) return null
  const address = consensusAddress(text, params.addressNetwork)
  if (address === null) throw new ConfigError(`stratum.bare_name_address "${text}" is not an address of this chain`)
  return address
}

function configuredShareProgram(config: Config, params: ChainParams): Uint8Array | null {
  const text = config.stratum.miner_address
  if (text === undefined) return null
  const parsed = parseShareAddress(text, params.shareAddressHrp)
  if (!parsed.ok)
    throw new ConfigError(
      `stratum.miner_address "${text}" cannot be used: ${parsed.reason}; it begins with ${params.shareAddressHrp}1p`
    )
  return parsed.program.program
}
