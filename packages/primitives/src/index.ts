export { BoundedMap } from './bounded-map.ts'
export { BoundedSet } from './bounded-set.ts'
export type {
  BitcoinHeight,
  BlockHash,
  Bps,
  Bytes32,
  CompactBits,
  Height,
  Moment,
  Sats,
  ShareHash,
  SteadyMs,
  TxId,
  UnixMs,
  UnixSec,
  Work
} from './brand.ts'
export {
  blockHash,
  blockHashFromWire,
  msFromSec,
  secFromMs,
  shareHash,
  shareHashFromWire,
  steadyMs,
  txId,
  txIdFromWire,
  unixMs,
  unixSec,
  wireFromDisplay,
  ZERO_BLOCK_HASH,
  ZERO_SHARE_HASH
} from './brand.ts'
export { bytesEqual, bytesToHex, bytesToHexReversed, compareBytes, concatBytes, hexToBytes, ownBytes } from './bytes.ts'
export { ByteReader, ByteWriter, compactSizeLength } from './codec.ts'
export { CodecError } from './codec-error.ts'
export { Deadlines } from './deadlines.ts'
export { hostNetwork } from './host-network.ts'
export { InvariantError, invariant } from './invariant.ts'
export { RateLimit } from './rate-limit.ts'
export type { Rng, SeededRng } from './rng.ts'
export { seededRng } from './rng.ts'
export type { Sha256d } from './sha256.ts'
export {
  sha256,
  sha256d,
  sha256d64Into,
  sha256d80Into,
  sha256dFoldInto,
  sha256FromMidstate,
  sha256Midstate
} from './sha256.ts'
export type { Target } from './target.ts'
export {
  bigIntFromBits,
  bigIntFromTarget,
  bitsFromBigInt,
  difficultyFromBits,
  difficultyOfHash,
  HASHES_PER_DIFFICULTY,
  hashMeetsTarget,
  targetFromBigInt,
  targetFromBits,
  targetFromDifficulty,
  workFromBits
} from './target.ts'
export { asciiToBytes, bytesToAscii, utf8FromString, utf8ToString } from './text.ts'
