import {
  type ChainParams,
  ConfigurationNeeded,
  chainParams,
  type GenesisOptions,
  genesisShare
} from '@p2poolv2/consensus'
import { type DevnetSeed, decodeDevnetSeed, encodeDevnetSeed } from '@p2poolv2/devchain'
import { bytesEqual, CodecError, type ShareHash, shareHashFromWire, wireFromDisplay } from '@p2poolv2/primitives'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
import { paramsOf } from './chain-params.ts'
import { readGenesis, writeGenesis } from './devnet-genesis.ts'

const REFUSED = 'the devnet of this invite cannot be joined'
/** In 2097: times of shares are 32 bits, and count on from the first. */
const LATEST_BEGINNING_SEC = 0xf000_0000
/** Of a transaction: from here on its lock is a time, so no block is so high. */
const LOCK_TIME_IS_TIME = 500_000_000
const BOTH = 'both sides need the same version, and the invite must be whole'

/**
 * What another household needs to begin this node's devnet: travels in an invite.
 * @param params of a devnet
 * @returns at most 512 bytes
 */
export function devnetSeedOf(config: Config, params: ChainParams): Uint8Array {
  const timeSec = params.genesisTimeSec
  const usual = chainParams('devnet', { timeSec })
  const isUsual = bytesEqual(usual.genesisBitcoinHeader, params.genesisBitcoinHeader)
  return encodeDevnetSeed({
    bitcoin: bitcoinOf(config),
    genesisTimeSec: timeSec,
    genesisShareHashWire: wireFromDisplay(genesisShare(params).hash),
    genesisBlock:
      isUsual && usual.genesisBitcoinHeight === params.genesisBitcoinHeight
        ? null
        : {
            bitcoinHeight: params.genesisBitcoinHeight,
            header: params.genesisBitcoinHeader,
            coinbase: params.genesisBitcoinCoinbase
          }
  })
}

/**
 * Begins, in a data directory without a devnet, the one of a seed; where that one has begun already, nothing is done.
 * To be called before anything else is made there.
 * @throws ConfigError, before anything is written, that names what stands in the way and what to do
 */
export function beginFromSeed(config: Config, seedBytes: Uint8Array): ChainParams {
  const seed = decoded(seedBytes)
  checkBitcoin(config, seed)
  checkBeginning(seed)
  const genesis = genesisOf(seed)
  const hash = shareHashFromWire(seed.genesisShareHashWire)
  // Alone and then with the settings, so that the message can say whose the difference is.
  if (hashOf(genesis) !== hash) throw new ConfigError(`${REFUSED}, it has other rules than this version: ${BOTH}`)
  const params = paramsOf(config, genesis)
  if (genesisShare(params).hash !== hash) {
    throw new ConfigError(
      'the settings in [genesis] are not those of the devnet of this invite: leave them out to join'
    )
  }
  if (config.genesis.time !== undefined) return params
  const before = readGenesis(config.data_dir)
  if (before === null && writeGenesis(config.data_dir, genesis)) return params
  const begun = before ?? readGenesis(config.data_dir)
  if (begun === null || hashOf(begun) !== hash) {
    throw new ConfigError(
      `${config.data_dir} has a devnet of its own already, and this invite is for another one: join with another folder, ` +
        '--data-dir DIR. Nothing was changed'
    )
  }
  return params
}

function decoded(seedBytes: Uint8Array): DevnetSeed {
  try {
    return decodeDevnetSeed(seedBytes)
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new ConfigError(`${REFUSED}, ${cause.message}: ${BOTH}`, { cause })
  }
}

/** A chain that begins where no share can follow would stop the node at its first share, and at every start from then on. */
function checkBeginning({ genesisTimeSec, genesisBlock }: DevnetSeed): void {
  if (
    genesisTimeSec > LATEST_BEGINNING_SEC ||
    (genesisBlock !== null && genesisBlock.bitcoinHeight >= LOCK_TIME_IS_TIME)
  )
    throw new ConfigError(`${REFUSED}: it begins at a time or a height after which there is no other`)
}

function checkBitcoin(config: Config, { bitcoin }: DevnetSeed): void {
  if (config.chain !== 'devnet') {
    throw new ConfigError(`this invite is for a devnet, and chain is ${config.chain}: join with --chain devnet`)
  }
  if (bitcoin === bitcoinOf(config)) return
  throw new ConfigError(
    bitcoin === 'embedded'
      ? 'the devnet of this invite has the built-in bitcoin chain under it: leave [bitcoind] out to join'
      : 'the devnet of this invite mines on bitcoin nodes: set [bitcoind] to one of the same bitcoin network to join'
  )
}

function bitcoinOf(config: Config): DevnetSeed['bitcoin'] {
  return config.bitcoind.length === 0 ? 'embedded' : 'node'
}

function genesisOf({ genesisTimeSec, genesisBlock }: DevnetSeed): GenesisOptions {
  if (genesisBlock === null) return { timeSec: genesisTimeSec }
  const { bitcoinHeight, header, coinbase } = genesisBlock
  return {
    timeSec: genesisTimeSec,
    bitcoinHeight,
    bitcoinHeader: header,
    ...(coinbase === null ? {} : { bitcoinCoinbase: coinbase })
  }
}

/** @returns null for a genesis that cannot be */
function hashOf(genesis: GenesisOptions): ShareHash | null {
  try {
    return genesisShare(chainParams('devnet', genesis)).hash
  } catch (cause) {
    if (cause instanceof CodecError || cause instanceof ConfigurationNeeded) return null
    throw cause
  }
}
