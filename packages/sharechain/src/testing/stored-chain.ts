import { type ChainParams, consensusFingerprint, genesisShare, RULES_VERSION } from '@p2poolv2/consensus'
import type { UnixMs } from '@p2poolv2/primitives'
import { invariant, type ShareHash } from '@p2poolv2/primitives'
import type { ChainOutcome } from '../contract.ts'
import { ShareChain } from '../share-chain.ts'
import { parseIndexKey, stateKey } from '../store/keys.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { decodeIndexRow, encodeIndexRow, encodeState, SCHEMA_VERSION } from '../store/records.ts'
import { sealed, unsealed } from '../store/seal.ts'
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

  /** Lets the chain do all that is due by a time; what waits for a body that never comes is due later again and again. */
  rest(nowMs: UnixMs): void {
    while ((this.chain.nextDeadlineMs ?? Number.POSITIVE_INFINITY) <= nowMs) this.take(this.chain.advance(nowMs))
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

/** Leaves in a store what a version with other rules would have: the share refused, and the chains at the genesis. */
export function refuseByOtherRules(
  store: MemoryStore,
  { genesis, share }: { readonly genesis: ShareHash; readonly share: ShareHash }
): void {
  const sequence = store.sequence + 1
  const state = encodeState({ sequence, confirmedTip: genesis, candidateTip: genesis, uncleCount: 0 })
  const stored = store.rows().find(({ key }) => parseIndexKey(key)?.hash === share)
  invariant(stored !== undefined, 'the share is stored')
  const puts = [sealed(stateKey(), state), refusedRow(stored, 'coinbase-payout', RULES_VERSION - 1)]
  store.commitNow({ sequence, puts, deletes: [], durability: 'buffered' })
}

/** A share's row as a version of the rules would have left it that refused the share. */
export function refusedRow(stored: StoredRow, verdict: string, rulesVersion: number): StoredRow {
  const row = decodeIndexRow(unsealed(stored))
  return sealed(stored.key, encodeIndexRow({ ...row, validity: 'invalid', verdict, rulesVersion }))
}
