import { EXTRANONCE_BYTES, type Job, NSECS_BYTES } from '@p2poolv2/bitcoin'
import {
  blockHashFromWire,
  bytesToHexReversed,
  concatBytes,
  hexToBytes,
  type Target,
  targetFromBits
} from '@p2poolv2/primitives'

const HEX_U32 = /^[0-9a-f]{8}$/
const HEX = /^([0-9a-f]{2})*$/
const HASH = /^[0-9a-f]{64}$/

/**
 * The job that a recorded `mining.notify` tells of: what is hashed for it comes out as it did then, byte for byte.
 * @param params as recorded
 * @param about what a notify does not say
 * @returns null when the line is none that this node writes
 */
export function jobOfNotify(
  params: unknown,
  about: { readonly workId: number; readonly shareTarget: Target | null }
): { readonly job: Job; readonly jobs: 'clean' | 'keep' } | null {
  if (!Array.isArray(params) || params.length !== 9) return null
  const [id, prevHash, first, second, branch, version, bits, time, isClean] = params as unknown[]
  if (typeof id !== 'string' || typeof isClean !== 'boolean' || !isHex(prevHash, HASH)) return null
  if (!isHex(first, HEX) || !isHex(second, HEX)) return null
  if (!isHex(version, HEX_U32) || !isHex(bits, HEX_U32) || !isHex(time, HEX_U32)) return null
  if (!Array.isArray(branch) || !branch.every(node => isHex(node, HASH))) return null
  const before = hexToBytes(first)
  const after = hexToBytes(second)
  // The push of the nsecs, which begins with its length.
  if (after.length < 1 + NSECS_BYTES) return null
  const prevHashWire = wordsReversed(hexToBytes(prevHash))
  const bitsNumber = Number.parseInt(bits, 16)
  const timeSec = Number.parseInt(time, 16)
  const nsecsOffset = before.length + EXTRANONCE_BYTES + 1
  return {
    jobs: isClean ? 'clean' : 'keep',
    job: {
      id,
      nsecs: BigInt(`0x${bytesToHexReversed(after.subarray(1, 1 + NSECS_BYTES))}`),
      // It stands in the bytes of the coinbase.
      commitment: null,
      work: {
        id: about.workId,
        bitcoinHeight: 0,
        version: Number.parseInt(version, 16),
        prevHash: blockHashFromWire(prevHashWire),
        prevHashWire,
        bits: bitsNumber,
        timeSec,
        // The template's own bound is not told to miners; a miner's clock is never so far behind.
        minTimeSec: 0,
        merkleBranch: concatBytes(...(branch as string[]).map(hexToBytes)),
        bitcoinTarget: targetFromBits(bitsNumber),
        shareTarget: about.shareTarget,
        coinbase: {
          bytes: concatBytes(before, new Uint8Array(EXTRANONCE_BYTES), after),
          extranonceOffset: before.length,
          nsecsOffset,
          commitmentOffset: null,
          prefixLengthBytes: 0
        }
      }
    }
  }
}

function isHex(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value)
}

/** Stratum's order of a previous hash, undone. */
function wordsReversed(bytes: Uint8Array): Uint8Array {
  return bytes.map((_, at) => bytes[(at & ~3) + 3 - (at & 3)] ?? 0)
}
