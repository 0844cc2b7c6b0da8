import { type ChainParams, consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import type { ChainOutcome } from '../contract.ts'
import { ShareChain } from '../share-chain.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { SCHEMA_VERSION } from '../store/records.ts'
import type { StoredRow } from '../store/share-store.ts'

/** A chain whose every delta goes into a store, and whose invariants are checked after every call. */
export class StoredChain {
  readonly params: ChainParams
  readonly chain: ShareChain
  readonly store: MemoryStore

  constructor(params: ChainParams) {
    this.params = params
    this.chain = new ShareChain({ params })
    const identity = { fingerprint: consensusFingerprint(params), genesisHash: genesisShare(params).hash }
    this.store = new MemoryStore({ ...identity, schemaVersion: SCHEMA_VERSION, chain: params.chain })
    this.store.commitNow(this.chain.genesisDelta())
  }

  take(outcome: ChainOutcome): ChainOutcome {
    this.chain.checkInvariants()
    if (outcome.delta !== null) this.store.commitNow(outcome.delta)
    return outcome
  }

  /** What a restart would make of the store now. */
  rebuilt(): ShareChain {
    return restored(this.params, this.store.rows())
  }
}

export function restored(params: ChainParams, rows: readonly StoredRow[]): ShareChain {
  const chain = new ShareChain({ params })
  chain.beginRestore()
  for (const row of rows) chain.restoreRow(row)
  chain.finishRestore()
  chain.checkInvariants()
  return chain
}

/** Everything a chain can be asked, bodies waiting in memory aside. */
export function snapshotOf(chain: ShareChain) {
  const heights = Array.from({ length: chain.candidateTip().height + 50 }, (_, height) => height)
  const shares = heights.flatMap(height => chain.hashesAtHeight(height))
  return {
    shares: shares.map(hash => chain.facts(hash)),
    count: chain.shareCount,
    confirmed: heights.map(height => chain.confirmedHashAt(height)),
    candidate: chain.locator(),
    tips: [chain.confirmedTip().hash, chain.candidateTip().hash, chain.miningBase().hash],
    uncleCount: chain.uncleCount,
    uncleChoice: chain.uncleChoice(chain.miningBase().hash),
    padding: shares.map(hash => chain.padding(hash)),
    weights: chain.payoutWeights(chain.miningBase().hash, 0x207fffff),
    wanted: chain.bodiesWanted(1000),
    sequence: chain.sequence
  }
}
