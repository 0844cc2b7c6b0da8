import { type ChainName, type ChainParams, chainParams, devnetParams, type GenesisOptions } from '@p2poolv2/consensus'
import { hexToBytes } from '@p2poolv2/primitives'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
import { readGenesis, writeGenesis } from './devnet-genesis.ts'

/**
 * The parameters of the configured chain. A devnet begins when its data directory is made: its genesis is written
 * down at first use, so that every later start is on the same chain.
 * @throws ConfigError when the chain's genesis has to be configured and is not
 */
export function configuredParams(config: Config): ChainParams {
  return paramsOf(config, writtenGenesis(config))
}

function writtenGenesis({ chain, mode, genesis, data_dir }: Config): GenesisOptions {
  if (chain === 'devnet' && genesis.time === undefined) return devnetGenesis(data_dir)
  return chain === 'testnet4' && mode !== 'sharechain' ? NO_SHARE_CHAIN : {}
}

/** For a node that makes no shares, on the chain whose genesis share is not built in: begins at testnet4's first block (BIP94). */
const NO_SHARE_CHAIN: GenesisOptions = {
  timeSec: 1_714_777_860,
  bitcoinHeight: 0,
  bitcoinHeader: hexToBytes(
    '01000000000000000000000000000000000000000000000000000000000000000000000' +
      '04e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a046f3566ffff001dbb0c7817'
  )
}

/** How share-chain addresses of a chain begin; no genesis has to be known for it. */
export function shareAddressHrp(chain: ChainName): string {
  return withoutGenesis(chain).shareAddressHrp
}

/** A chain's values but for its genesis, where that is configured or begins with a data directory: nothing may be mined with them. */
export function withoutGenesis(chain: ChainName): ChainParams {
  if (chain === 'devnet') return devnetParams({ genesisTimeSec: 0 })
  return chainParams(
    chain,
    chain === 'testnet4' ? { timeSec: 0, bitcoinHeight: 0, bitcoinHeader: new Uint8Array(80) } : {}
  )
}

/** @param written what the data directory says; the configuration goes before it */
export function paramsOf(config: Config, written: GenesisOptions): ChainParams {
  const { time, bitcoin_height, bitcoin_header, bitcoin_coinbase } = config.genesis
  try {
    return chainParams(config.chain, {
      ...written,
      ...(time === undefined ? {} : { timeSec: time }),
      ...(bitcoin_height === undefined ? {} : { bitcoinHeight: bitcoin_height }),
      ...(bitcoin_header === undefined ? {} : { bitcoinHeader: hexToBytes(bitcoin_header) }),
      ...(bitcoin_coinbase === undefined ? {} : { bitcoinCoinbase: hexToBytes(bitcoin_coinbase) })
    })
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause })
  }
}

function devnetGenesis(dataDir: string): GenesisOptions {
  const known = readGenesis(dataDir)
  if (known !== null) return known
  const begun = { timeSec: Math.floor(Date.now() / 1000) }
  // Another start may write it between our look and our write: that one counts.
  return writeGenesis(dataDir, begun) ? begun : (readGenesis(dataDir) ?? begun)
}
