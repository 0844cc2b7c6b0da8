import { asciiToBytes, ByteReader, ByteWriter, bytesEqual, CodecError, concatBytes, sha256 } from '@p2poolv2/primitives'
import { HALVING_BLOCKS } from './check-block.ts'
import { DEV_DIFFICULTY } from './difficulty.ts'
import { REGTEST_GENESIS } from './genesis.ts'

/** What somebody needs to begin the same devnet: its share genesis, and which bitcoin chain is under it. */
export interface DevnetSeed {
  /** `embedded`: the development chain of this package, exchanged among its nodes. `node`: one that bitcoin nodes bring. */
  readonly bitcoin: 'embedded' | 'node'
  /** Unix seconds. */
  readonly genesisTimeSec: number
  /** 32 bytes, wire order: what all of it must lead to. */
  readonly genesisShareHashWire: Uint8Array
  /** Where the share genesis names another bitcoin block than the built-in one. */
  readonly genesisBlock: SeedBlock | null
}

export interface SeedBlock {
  readonly bitcoinHeight: number
  /** 80 bytes. */
  readonly header: Uint8Array
  /** First transaction of the block without its witness, or null where it is not known. */
  readonly coinbase: Uint8Array | null
}

/** A seed travels in an invite, which has room for so much. */
export const MAX_SEED_BYTES = 512

/** Longest first transaction of a genesis block in a seed. */
const MAX_COINBASE_BYTES = 370

const VERSION = 1
const RULES_BYTES = 8
const BITCOIN = ['embedded', 'node'] as const

/** First bytes of SHA256 over what embedded chains must have in common, so that other rules are noticed before they split. */
export function embeddedRules(): Uint8Array {
  const { spacingSec, startBits, easiestBits, hardestBits, windowBlocks, stallSec } = DEV_DIFFICULTY
  const numbers = [spacingSec, startBits, easiestBits, hardestBits, windowBlocks, stallSec, HALVING_BLOCKS]
  return sha256(concatBytes(asciiToBytes(numbers.join(' ')), REGTEST_GENESIS)).subarray(0, RULES_BYTES)
}

/** @returns at most `MAX_SEED_BYTES` bytes; the layout is on the wire page */
export function encodeDevnetSeed(seed: DevnetSeed): Uint8Array {
  const { bitcoin, genesisTimeSec, genesisShareHashWire, genesisBlock } = seed
  const writer = new ByteWriter().u8(VERSION).u8(BITCOIN.indexOf(bitcoin)).u32(genesisTimeSec)
  writer.bytes(genesisShareHashWire)
  writer.bytes(bitcoin === 'embedded' ? embeddedRules() : new Uint8Array(RULES_BYTES))
  writer.u8(genesisBlock === null ? 0 : 1)
  if (genesisBlock !== null) {
    const { bitcoinHeight, header, coinbase } = genesisBlock
    writer.u32(bitcoinHeight).bytes(header)
    // One that does not fit is left out: no hash depends on it.
    writer.varBytes(coinbase === null || coinbase.length > MAX_COINBASE_BYTES ? new Uint8Array(0) : coinbase)
  }
  return writer.finish()
}

/**
 * @returns views into `bytes`; whether it leads to the share it names is the reader's to check
 * @throws CodecError for anything but exactly one seed, and for an embedded chain with other rules
 */
export function decodeDevnetSeed(bytes: Uint8Array): DevnetSeed {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== VERSION) throw new CodecError('malformed', 'it is of another version')
  const bitcoin = BITCOIN[reader.u8()]
  if (bitcoin === undefined) throw new CodecError('malformed', 'there is no such kind of bitcoin chain')
  const genesisTimeSec = reader.u32()
  const genesisShareHashWire = reader.bytes(32)
  const rules = reader.bytes(RULES_BYTES)
  const expected = bitcoin === 'embedded' ? embeddedRules() : new Uint8Array(RULES_BYTES)
  if (!bytesEqual(rules, expected)) {
    throw new CodecError('malformed', 'its bitcoin chain has other rules than that of this version')
  }
  const hasBlock = reader.u8()
  if (hasBlock > 1) throw new CodecError('malformed', 'a genesis block is there or not')
  const genesisBlock = hasBlock === 1 ? readBlock(reader) : null
  reader.expectEnd()
  return { bitcoin, genesisTimeSec, genesisShareHashWire, genesisBlock }
}

function readBlock(reader: ByteReader): SeedBlock {
  const bitcoinHeight = reader.u32()
  const header = reader.bytes(80)
  const coinbase = reader.varBytes(MAX_COINBASE_BYTES)
  return { bitcoinHeight, header, coinbase: coinbase.length === 0 ? null : coinbase }
}
