import { type Job, type MiningWork, merkleBranchOf } from '@p2poolv2/bitcoin'
import {
  blockHash,
  bytesToHexReversed,
  concatBytes,
  hexToBytes,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'

/** Work as a `mining.notify` shows it. */
export interface NotifyVector {
  readonly coinbase1: string
  readonly coinbase2: string
  /** Display order. */
  readonly prevHash: string
  /** Display order. */
  readonly txids: readonly string[]
  readonly bits: number
  readonly timeSec: number
  readonly minTimeSec: number
  readonly bitcoinHeight: number
}

/** The block that V1, V2 and V3 build on. */
export const PREV_HASH_A = '0000000000000000000112233445566778899aabbccddeeff00112233445566f'
export const PREV_HASH_A_FIELD = '3445566ff0011223bccddeef78899aab34455667000112230000000000000000'
export const PREV_HASH_B = '00000000000000000000aaaabbbbccccddddeeeeffff00001111222233334444'

/** stratum §2.19, V1 and V2: origin: made and hashed independently of this code. */
export const TEMPLATE_A: NotifyVector = {
  coinbase1: '02000000010000000000000000000000000000000000000000000000000000000000000000ffffffff1b03a0bb0d0c',
  coinbase2:
    '092f74732d706f6f6c2fffffffff02205fa0120000000016001411111111111111111111111111111111111111110000000000000000' +
    '266a24aa21a9ed1406e05881e299367766d313e26c05564ec91bf721d31726bd6e46e60689539a00000000',
  prevHash: PREV_HASH_A,
  txids: [
    '715b44e944945b16d39725e9a25db08668eb55e79879229be32f328dda2fea5c',
    '50a6c5972771a05b26caf6b4ad8233e3c4eef7c90e071088b495a66cd24ecdf5',
    '7c3882bb83873c7bddb5e6e3fb2744d82f77b616187254ccc94e220520850ce2',
    'afb01d2af9123b97e2824457fa1e2e33618592d1fd1d71172787f64e4b7ee8ba'
  ],
  bits: 0x1702a000,
  timeSec: 0x68a00000,
  minTimeSec: 0x68900000,
  bitcoinHeight: 900_000
}

export const BRANCH_A = [
  '5cea2fda8d322fe39b227998e755eb6886b05da2e92597d3165b9444e9445b71',
  '435913209d24a2464af2aed724b7b4da8642828e5ad999167ac731fbedc3f424',
  '8451d7562e2b98825a90307b0180c97eb85f51ab471ec4bdfecd94361e8b5e5e'
]

/** stratum §2.19, V3: an empty block at a network difficulty of 1/256. */
export const TEMPLATE_V3: NotifyVector = {
  ...TEMPLATE_A,
  coinbase2:
    '092f74732d706f6f6c2fffffffff02205fa0120000000016001411111111111111111111111111111111111111110000000000000000' +
    '266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf900000000',
  txids: [],
  bits: 0x1e00ffff
}

/** What follows the worker name in a submit: job id comes first, then these. */
export const V1 = ['0000000000000001', '68a00000', '004f14e1'] as const
export const V1_DIFFICULTY = 1.532242
export const V1_HASH = '00000000a712a6ae973d1eb9f6353ac21aa7e30ee41cbd1341e94a022d917c62'
export const V2 = ['0000000000000001', '68a00005', '008d54a9', '00abe000'] as const
export const V2_DIFFICULTY = 0.11321
export const V2_HASH = '00000008d53e8f24ba816e00587354c5463bea6401b7380e808f3f890956edc7'
export const V3 = ['00000000000000ff', '68a00001', '0015350b'] as const
export const V3_HASH = '000000496aa94d2fafca9840bf1979ce57a9e3693d8b9d88f076057ee6301edb'
export const V3_BLOCK =
  '000000206f564534231201f0efdecdbcab9a897867564534231201000000000000000000e24f246e75ecdc8ad51adc49d6294344434c6218a7f27' +
  'ca5e67f9f7d184c09a60100a068ffff001e0b35150001020000000001010000000000000000000000000000000000000000000000000000000000' +
  '000000ffffffff1b03a0bb0d0c0a00000100000000000000ff092f74732d706f6f6c2fffffffff02205fa01200000000160014111111111111111' +
  '11111111111111111111111110000000000000000266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8c' +
  'f90120000000000000000000000000000000000000000000000000000000000000000000000000'

/** A skeleton needs eight bytes of nsecs; in these coinbases bytes of the pool's tag play them. */
const NSECS_IN_COINBASE2 = 1

export function workOf(vector: NotifyVector, changes: Partial<MiningWork> = {}): MiningWork {
  const first = hexToBytes(vector.coinbase1)
  const second = hexToBytes(vector.coinbase2)
  const extranonceOffset = first.length
  return {
    id: 1,
    bitcoinHeight: vector.bitcoinHeight,
    version: 0x2000_0000,
    prevHash: blockHash(vector.prevHash),
    prevHashWire: wireFromDisplay(vector.prevHash),
    bits: vector.bits,
    timeSec: vector.timeSec,
    minTimeSec: vector.minTimeSec,
    merkleBranch: merkleBranchOf(vector.txids.map(wireFromDisplay)),
    bitcoinTarget: targetFromBits(vector.bits),
    shareTarget: null,
    coinbase: {
      bytes: concatBytes(first, new Uint8Array(12), second),
      extranonceOffset,
      nsecsOffset: extranonceOffset + 12 + NSECS_IN_COINBASE2,
      commitmentOffset: null,
      prefixLengthBytes: 0
    },
    ...changes
  }
}

/** A job whose coinbase is the vector's, byte for byte. */
export function jobOf(work: MiningWork, id: string): Job {
  const { bytes, nsecsOffset } = work.coinbase
  const nsecs = BigInt(`0x${bytesToHexReversed(bytes.subarray(nsecsOffset, nsecsOffset + 8))}`)
  return { id, work, nsecs, commitment: null }
}
