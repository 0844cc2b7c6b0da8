import { type ChainParams, genesisShare, hasGenesisBody } from '@p2poolv2/consensus'
import type { HeaderIndex } from '../tree/header-index.ts'
import { Changes } from './changes.ts'
import type { ChainDelta } from './share-store.ts'

/** The sequence number of the delta that a new store begins with. */
export const FIRST_SEQUENCE = 1

/** What a new store begins with. @param index holds the genesis only */
export function firstDelta(params: ChainParams, index: HeaderIndex): ChainDelta {
  const genesis = genesisShare(params)
  const changes = new Changes(index)
  changes.row(0)
  changes.header(0, genesis)
  if (hasGenesisBody(params)) changes.body(genesis)
  return changes.delta({
    sequence: FIRST_SEQUENCE,
    confirmedTip: genesis.hash,
    candidateTip: genesis.hash,
    uncleCount: 0
  })
}
