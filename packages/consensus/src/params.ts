/** Every value nodes of one share chain must agree on. Nothing reads such a value from anywhere else. */
import { type BitcoinNetwork, PADDING_TABLE_TEXT } from '@p2poolv2/bitcoin'
import { blockHashFromWire, type CompactBits, hexToBytes, sha256d, type Work } from '@p2poolv2/primitives'
import {
  GENESIS_BLOCKS,
  GENESIS_MINER_KEY_HASH,
  GENESIS_SHARE_PROGRAM,
  type GenesisBlock
} from './genesis/genesis-data.ts'
import type { AddressClass } from './share.ts'

export type ChainName = 'main' | 'testnet4' | 'signet' | 'regtest' | 'devnet'

/** Consensus values of one share chain. Frozen; made by `chainParams` or `devnetParams`. */
export interface ChainParams {
  readonly chain: ChainName
  readonly protocolRevision: '2026-10b'
  readonly addressNetwork: BitcoinNetwork
  /** Class of a bech32 payout address on this chain (protocol §2.1). */
  readonly addressClass: AddressClass
  readonly shareAddressHrp: string
  /** 80 bytes. */
  readonly genesisBitcoinHeader: Uint8Array
  /**
   * First transaction of the built-in bitcoin block, or null where it is not known. No hash depends on it: it only
   * completes the genesis share's body, which every node has built in and none asks for.
   */
  readonly genesisBitcoinCoinbase: Uint8Array | null
  readonly genesisTimeSec: number
  readonly genesisBitcoinHeight: number
  /** HASH160 of the NUMS key the genesis pays to; 20 bytes. */
  readonly genesisMinerKeyHash: Uint8Array
  /** Its BIP86 output key; 32 bytes. */
  readonly genesisShareProgram: Uint8Array
  /** Target of the genesis share and anchor of the difficulty rule. */
  readonly anchorBits: CompactBits
  /** Easiest target the difficulty rule itself can answer. */
  readonly asertCeilingBits: CompactBits
  /** Easiest target a share may declare. */
  readonly maxTargetBits: CompactBits
  readonly spacingSec: number
  readonly halfLifeSec: number
  /** Numerator of the integer difficulty (protocol §11). */
  readonly maxAttainableTarget: bigint
  /** Payout window = integer difficulty of the bitcoin target × this; a whole number of at least 1. */
  readonly difficultyMultiplier: bigint
  /** The forms of the padding output, each with an example. */
  readonly paddingTable: string
  /** Ancestors that decide the form of a share's padding. */
  readonly paddingSpan: number
  /** Fewer of these beside the genesis decide nothing. */
  readonly paddingMinimum: number
  readonly maxUncles: number
  readonly uncleDepth: number
  readonly futureTimeSec: number
  readonly medianTimeSpan: number
  /** 6 a minute × 14 days. */
  readonly windowMaxShares: number
  /** Twice the window. */
  readonly pruneDepth: number
  /** Of a share's transactions and its bitcoin coinbase together. */
  readonly maxBodyBytes: number
  readonly maxTransactions: number
  readonly maxSigopCost: number
  readonly maxSharesPerHeight: number
  readonly mainWeight: bigint
  readonly uncleWeight: bigint
  readonly nephewWeight: bigint
  readonly shareCoinbaseValueSats: bigint
  readonly maxBranchNodes: number
  /**
   * Work below which no chain of headers is taken in, however heavy it is beside ours: a new node cannot be shown a made-up chain
   * that costs less. Raised with releases; not a rule of the chain, so not part of its fingerprint.
   */
  readonly minimumChainWork: Work
}

/** A setting that this chain cannot run without, or that cannot be right; the message names it. */
export class ConfigurationNeeded extends Error {
  readonly code = 'configuration-needed'
  readonly setting: string

  constructor(setting: string, why: string) {
    super(`${setting}: ${why}`)
    this.name = 'ConfigurationNeeded'
    this.setting = setting
  }
}

/** Overrides of the built-in genesis; the settings `[genesis] *`. */
export interface GenesisOptions {
  readonly timeSec?: number
  readonly bitcoinHeight?: number
  /** 80 bytes. */
  readonly bitcoinHeader?: Uint8Array
  /** First transaction of that block, in the form without witness. */
  readonly bitcoinCoinbase?: Uint8Array
}

/** What every share coinbase creates, on every chain (protocol §7). */
export const SHARE_COINBASE_VALUE_SATS = 100_000_000n

/** What all chains share (protocol §22). */
const SHARED = {
  protocolRevision: '2026-10b',
  genesisMinerKeyHash: hexToBytes(GENESIS_MINER_KEY_HASH),
  genesisShareProgram: hexToBytes(GENESIS_SHARE_PROGRAM),
  anchorBits: 0x1b4188f5,
  asertCeilingBits: 0x1b4188f5,
  maxTargetBits: 0x1b384bd7,
  spacingSec: 10,
  halfLifeSec: 600,
  difficultyMultiplier: 1n,
  paddingTable: PADDING_TABLE_TEXT,
  paddingSpan: 100,
  paddingMinimum: 20,
  maxUncles: 3,
  uncleDepth: 3,
  futureTimeSec: 120,
  medianTimeSpan: 11,
  windowMaxShares: 120_960,
  pruneDepth: 241_920,
  maxBodyBytes: 204_800,
  maxTransactions: 100,
  maxSigopCost: 80_000,
  maxSharesPerHeight: 20,
  mainWeight: 10n,
  uncleWeight: 9n,
  nephewWeight: 1n,
  shareCoinbaseValueSats: SHARE_COINBASE_VALUE_SATS,
  maxBranchNodes: 16,
  // The networks are weeks old and nobody knows a work they will certainly not fall behind: raised once they have a year.
  minimumChainWork: 0n
} as const

const BITCOIN_DIFFICULTY_1 = 0xffffn << 208n
const SIGNET_LIMIT = 0x0377aen << 216n
const REGTEST_LIMIT = 0x7fffffn << 232n

const BY_CHAIN = {
  main: {
    addressNetwork: 'main',
    addressClass: 0,
    shareAddressHrp: 'p2pool',
    maxAttainableTarget: BITCOIN_DIFFICULTY_1
  },
  testnet4: {
    addressNetwork: 'test',
    addressClass: 1,
    shareAddressHrp: 'tp2pool',
    maxAttainableTarget: BITCOIN_DIFFICULTY_1
  },
  signet: { addressNetwork: 'test', addressClass: 1, shareAddressHrp: 'sp2pool', maxAttainableTarget: SIGNET_LIMIT },
  regtest: {
    addressNetwork: 'regtest',
    addressClass: 2,
    shareAddressHrp: 'rp2pool',
    maxAttainableTarget: REGTEST_LIMIT
  }
} as const satisfies Record<Exclude<ChainName, 'devnet'>, Partial<ChainParams>>

/**
 * The consensus values of a chain.
 * @throws ConfigurationNeeded naming the setting: testnet4 needs `time` and `bitcoin_header`, because its
 * genesis time is not published anywhere we could check; devnet needs `time`, because each devnet begins when its
 * data directory is made.
 */
export function chainParams(chain: ChainName, genesis: GenesisOptions = {}): ChainParams {
  if (chain === 'devnet') {
    if (genesis.timeSec === undefined) {
      throw new ConfigurationNeeded('[genesis] time', 'a devnet needs the unix time at which it began')
    }
    return devnetParams({ ...genesis, genesisTimeSec: genesis.timeSec })
  }
  const builtIn = GENESIS_BLOCKS[chain]
  return Object.freeze({ ...SHARED, ...BY_CHAIN[chain], chain, ...genesisFields(chain, builtIn, genesis) })
}

export interface DevnetOptions extends Omit<GenesisOptions, 'timeSec'> {
  readonly genesisTimeSec: number
  /** Default 1. */
  readonly spacingSec?: number
  /** Default 60. */
  readonly halfLifeSec?: number
  /** Default 0x1f00ffff: about 65,536 hashes a share. */
  readonly anchorBits?: CompactBits
  /** Easiest share; default 0x2000ffff: about 256 hashes. */
  readonly maxTargetBits?: CompactBits
  /** Default 10: with a bitcoin target of about 30 shares' work the window is about 300 shares. */
  readonly difficultyMultiplier?: bigint
}

/**
 * A chain of one's own: the same rules with easy numbers and regtest's addresses and difficulty scale.
 * It is one more set of parameters, never a weaker check.
 * @throws ConfigurationNeeded for values that cannot be right
 */
export function devnetParams(options: DevnetOptions): ChainParams {
  const maxTargetBits = options.maxTargetBits ?? 0x2000ffff
  const difficultyMultiplier = options.difficultyMultiplier ?? 10n
  const spacingSec = options.spacingSec ?? 1
  const halfLifeSec = options.halfLifeSec ?? 60
  if (difficultyMultiplier < 1n) throw new ConfigurationNeeded('difficulty_multiplier', 'must be a whole number >= 1')
  if (!Number.isSafeInteger(spacingSec) || spacingSec < 1)
    throw new ConfigurationNeeded('spacing', 'must be >= 1 second')
  if (!Number.isSafeInteger(halfLifeSec) || halfLifeSec < 1) {
    throw new ConfigurationNeeded('half_life', 'must be >= 1 second')
  }
  return Object.freeze({
    ...SHARED,
    ...BY_CHAIN.regtest,
    chain: 'devnet',
    ...genesisFields('devnet', GENESIS_BLOCKS.regtest, { ...options, timeSec: options.genesisTimeSec }),
    anchorBits: options.anchorBits ?? 0x1f00ffff,
    asertCeilingBits: maxTargetBits,
    maxTargetBits,
    spacingSec,
    halfLifeSec,
    difficultyMultiplier
  })
}

type GenesisFields = Pick<
  ChainParams,
  'genesisBitcoinHeader' | 'genesisBitcoinCoinbase' | 'genesisTimeSec' | 'genesisBitcoinHeight'
>

function genesisFields(chain: ChainName, builtIn: GenesisBlock, options: GenesisOptions): GenesisFields {
  const genesisTimeSec = options.timeSec ?? builtIn.timeSec
  if (genesisTimeSec === null) {
    throw new ConfigurationNeeded('[genesis] time', `the share time of the ${chain} genesis is not built in`)
  }
  if (!Number.isSafeInteger(genesisTimeSec) || genesisTimeSec < 0 || genesisTimeSec > 0xffffffff) {
    throw new ConfigurationNeeded('[genesis] time', 'must be a unix time in seconds')
  }
  const headerHex = builtIn.bitcoinHeaderHex
  const genesisBitcoinHeader = options.bitcoinHeader ?? (headerHex === null ? null : hexToBytes(headerHex))
  if (genesisBitcoinHeader === null) {
    throw new ConfigurationNeeded(
      '[genesis] bitcoin_header',
      `needs the 80-byte header of block ${builtIn.bitcoinBlockHash} (getblockheader <hash> false)`
    )
  }
  if (genesisBitcoinHeader.length !== 80) {
    throw new ConfigurationNeeded('[genesis] bitcoin_header', 'must be exactly 80 bytes')
  }
  const blockHash = blockHashFromWire(sha256d(genesisBitcoinHeader))
  if (options.bitcoinHeight === undefined && blockHash !== builtIn.bitcoinBlockHash) {
    throw new ConfigurationNeeded(
      '[genesis] bitcoin_header',
      `is block ${blockHash}, but ${chain} begins at ${builtIn.bitcoinBlockHash}; another block needs bitcoin_height too`
    )
  }
  const genesisBitcoinHeight = options.bitcoinHeight ?? builtIn.bitcoinHeight
  if (!Number.isSafeInteger(genesisBitcoinHeight) || genesisBitcoinHeight < 0) {
    throw new ConfigurationNeeded('[genesis] bitcoin_height', 'must be a whole number >= 0')
  }
  // The built-in coinbase belongs to the built-in header only.
  const coinbaseHex = options.bitcoinHeader === undefined ? builtIn.bitcoinCoinbaseHex : null
  const genesisBitcoinCoinbase = options.bitcoinCoinbase ?? (coinbaseHex === null ? null : hexToBytes(coinbaseHex))
  return { genesisBitcoinHeader, genesisBitcoinCoinbase, genesisTimeSec, genesisBitcoinHeight }
}
