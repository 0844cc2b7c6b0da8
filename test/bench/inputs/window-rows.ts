import {
  type ChainParams,
  type ConsensusAddress,
  consensusAddressFromScript,
  devnetParams,
  genesisShare,
  RULES_VERSION
} from '@p2poolv2/consensus'
import {
  type CompactBits,
  concatBytes,
  type ShareHash,
  seededRng,
  shareHashFromWire,
  workFromBits
} from '@p2poolv2/primitives'
import { indexKey, type StoredRow, sealed, stateKey } from '@p2poolv2/sharechain'
import { encodeIndexRow, encodeState } from '../../../packages/sharechain/src/store/records.ts'

/** About 256 hashes, for every share: with one share a second the difficulty rule stays there. */
export const SHARE_BITS: CompactBits = 0x2000ffff
/** So hard that the payout window is as long as it may be. */
export const BITCOIN_BITS: CompactBits = 0x1b00ffff
export const GENESIS_SEC = 1_700_000_000
export const FULL_WINDOW = 120_960
export const ALL_HELD = 241_920

export const PARAMS: ChainParams = devnetParams({ genesisTimeSec: GENESIS_SEC, anchorBits: SHARE_BITS })

export function minerAddress(miner: number): ConsensusAddress {
  const program = concatBytes(new Uint8Array(18).fill(0x5a), Uint8Array.of(miner >> 8, miner & 0xff))
  const address = consensusAddressFromScript(2, concatBytes(Uint8Array.of(0x00, 0x14), program))
  if (address === null) throw new Error('a witness program is an address')
  return address
}

export interface RowsWanted {
  /** Height of the tip. */
  readonly shares: number
  readonly miners: number
}

/** One stored share, its hash made up: nobody checks the proof of work of what the store gives back. */
export interface MadeUpShare {
  readonly height: number
  readonly hash: ShareHash
  readonly row: StoredRow
}

/** A chain of shares by many miners, as index rows by rising height. One share in twenty names an uncle. */
export function* madeUpShares({ shares, miners }: RowsWanted): Generator<MadeUpShare> {
  const rng = seededRng('window rows')
  const addresses = Array.from({ length: miners }, (_, miner) => minerAddress(miner))
  const work = workFromBits(SHARE_BITS)
  let chainWork = workFromBits(PARAMS.anchorBits)
  let parent = genesisShare(PARAMS).hash
  let uncle: ShareHash | null = null
  for (let height = 1; height <= shares; height++) {
    const childOf = (uncles: readonly ShareHash[]): MadeUpShare => {
      const hash = shareHashFromWire(rng.bytes(32))
      const miner = addresses[rng.u32() % miners] ?? minerAddress(0)
      const value = encodeIndexRow({
        prevHash: parent,
        bits: SHARE_BITS,
        timeSec: GENESIS_SEC + height,
        chainWork: chainWork + work,
        miner,
        uncles,
        validity: 'blockValid',
        hasBody: true,
        bodyBytes: 1_000,
        verdict: '',
        rulesVersion: RULES_VERSION,
        contextSkipped: false,
        scriptsUnchecked: false,
        padding: 'A'
      })
      return { height, hash, row: sealed(indexKey(height, hash), value) }
    }
    const share = childOf(uncle === null ? [] : [uncle])
    uncle = null
    yield share
    if (height % 20 === 0 && height < shares) {
      const aside = childOf([])
      yield aside
      uncle = aside.hash
    }
    parent = share.hash
    chainWork += work
  }
}

export function stateRow(tip: ShareHash, { sequence, shares }: { sequence: number; shares: number }): StoredRow {
  const uncleCount = Math.floor((shares - 1) / 20)
  return sealed(stateKey(), encodeState({ sequence, confirmedTip: tip, candidateTip: tip, uncleCount }))
}
