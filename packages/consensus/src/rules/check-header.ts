/** The header gate: rules that need nothing but the header. Source: protocol §12.2. */
import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import { bigIntFromBits, bytesToHexReversed, hashMeetsTarget, targetFromBigInt } from '@p2poolv2/primitives'
import type { ChainParams } from '../params.ts'
import { type Checked, PASSED, refused, type ShareHeader } from '../share.ts'

const TAPROOT_VERSION = 1
const OUTPUT_KEY_BYTES = 32

/**
 * Rules 1 to 4 in order, and nothing else: a share that another node knows and we do not may be named as an uncle, and then
 * its nephew and everything built on it would be lost to us.
 */
export function checkHeader(params: ChainParams, header: ShareHeader): Checked {
  // share-miner-program: the miner's share address is a version 1 witness program of 32 bytes.
  const { version, program } = header.minerAddress
  if (version !== TAPROOT_VERSION || program.length !== OUTPUT_KEY_BYTES) {
    return refused('share-miner-program', { version, programBytes: program.length })
  }

  // share-uncle-count: at most three uncles.
  if (header.uncles.length > params.maxUncles) {
    return refused('share-uncle-count', { uncles: header.uncles.length, maxUncles: params.maxUncles })
  }

  // share-target-zero, share-target-ceiling: 0 < target <= the pool's easiest.
  const target = bigIntFromBits(header.bits)
  if (target === 0n) return refused('share-target-zero', { bits: header.bits })
  if (target > bigIntFromBits(params.maxTargetBits)) {
    return refused('share-target-ceiling', { bits: header.bits, maxTargetBits: params.maxTargetBits })
  }

  // share-work: the hash of the bitcoin header is at or below the share target.
  const hashWire = bitcoinHeaderHashWire(header.bitcoinHeader)
  if (!hashMeetsTarget(hashWire, targetFromBigInt(target))) {
    return refused('share-work', { blockHash: bytesToHexReversed(hashWire), bits: header.bits })
  }
  return PASSED
}
