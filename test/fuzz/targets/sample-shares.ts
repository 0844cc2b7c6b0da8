import type { Share } from '@p2poolv2/consensus'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'

export const SAMPLE_PARAMS = easyParams()

/** A few mined shares: a row, an uncle and who names it. */
export const SAMPLE_SHARES: readonly Share[] = (() => {
  const builder = new ChainBuilder(SAMPLE_PARAMS)
  const row = builder.row(builder.genesis, 3)
  const parent = row[1]?.hash ?? builder.genesis
  const uncle = builder.build({ parent, miner: 2 })
  const nephew = builder.build({ parent: row[2]?.hash ?? parent, uncles: [uncle.hash], miner: 1 })
  return [...row, nephew, uncle]
})()
