import { type ChainParams, consensusFingerprint, decodeShare, genesisShare, type Share } from '@p2poolv2/consensus'
import { BLOCKS_READ } from '@p2poolv2/node'
import { CodecError, type ShareHash, type UnixMs, unixMs } from '@p2poolv2/primitives'
import { type Log, MESSAGES } from '@p2poolv2/runtime'
import { type FoundBlock, SCHEMA_VERSION, ShareChain, type ShareStore, type StoreIdentity } from '@p2poolv2/sharechain'
import { type LayoutProgress, type LevelStore, openLevelStore, repairLevelStore } from '@p2poolv2/sharechain/level'

/** What a store says that can be repaired, or is begun anew over its remains. */
const REPAIRABLE: ReadonlySet<unknown> = new Set(['store-damaged', 'store-corrupt'])

/** The share chain as its store has it, and the store. */
export interface OpenedChain {
  readonly store: ShareStore
  readonly chain: ShareChain
  /** The newest of those on disk. */
  readonly recentBlocks: readonly FoundBlock[]
}

export interface OpeningDeps {
  readonly log: Log
  /** Ends it early, between two reads or two writes: a large store takes seconds, a repair minutes. */
  readonly signal?: AbortSignal | undefined
  /** Encoded shares made here of which it is not known whether the store has them. */
  readonly left?: readonly Uint8Array[]
  /** One of them can be neither stored nor refused yet: its parent is missing, or its time has not come. */
  readonly onWaits?: (shareHash: ShareHash, encoded: Uint8Array) => void
  /** Of the wall clock. */
  readonly nowMs?: UnixMs
}

/**
 * Opens the store in `folder` and restores the share chain from it; a new store gets the genesis share. One that is damaged is repaired
 * once; what was lost is said, and comes from peers.
 * @throws the signal's reason when aborted, with the store closed and nothing lost; what `openLevelStore` throws
 */
export async function openShareChain(
  folder: string,
  params: ChainParams,
  { log, signal, left = [], onWaits = () => {}, nowMs = unixMs(0) }: OpeningDeps
): Promise<OpenedChain> {
  const opened = await opening(folder, params, { log, signal }).catch(async error => {
    if (!(error instanceof Error && 'code' in error && REPAIRABLE.has(error.code))) throw error
    log.warn(MESSAGES.storeRepairing, { err: error, folder })
    const repair = await repairLevelStore(folder, storeIdentity(params), (done, of) => {
      signal?.throwIfAborted()
      log.info({ done, of }, 'repairing the share store: shares looked at')
    })
    if (repair.kept > 0) log.warn(MESSAGES.storeRepaired, { ...repair })
    else log.error(MESSAGES.storeLost, { ...repair })
    return opening(folder, params, { log, signal })
  })
  const { store, chain } = opened
  await takeLeft(left, { store, chain, onWaits, nowMs, log })
  const { height, hash } = chain.confirmedTip()
  log.info({ chain: params.chain, height, tip: hash, shares: chain.shareCount }, 'share chain opened')
  return { store, chain, recentBlocks: await store.readBlocks(BLOCKS_READ) }
}

/** Gives the chain what was made just before the last end. Most of it the store has. */
async function takeLeft(
  left: readonly Uint8Array[],
  to: Pick<OpenedChain, 'store' | 'chain'> & Required<Pick<OpeningDeps, 'onWaits' | 'nowMs' | 'log'>>
): Promise<void> {
  for (const encoded of left) {
    const share = readable(encoded)
    if (share === null) continue
    const { verdict, delta } = to.chain.addShare(share, 'own', to.nowMs)
    if (verdict.type === 'waiting') to.onWaits(share.hash, encoded)
    if (delta === null) continue
    await to.store.commit(delta)
    to.log.info(
      { shareHash: share.hash, verdict: verdict.type },
      'a share that was made just before the last end had not come to the store: it is taken in now'
    )
  }
}

/** Null for what another version wrote, or the disk changed. */
function readable(encoded: Uint8Array): Share | null {
  try {
    return decodeShare(encoded)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

/** What a store must belong to, to be opened by a node with these parameters. */
export function storeIdentity(params: ChainParams): StoreIdentity {
  return {
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  }
}

async function opening(
  folder: string,
  params: ChainParams,
  { log, signal }: OpeningDeps
): Promise<{ readonly store: LevelStore; readonly chain: ShareChain }> {
  const store = await openLevelStore(folder, storeIdentity(params), {
    ...(signal && { signal }),
    onLayoutChange: layoutTeller(log)
  })
  try {
    tellOfLoss(store, folder, log)
    return { store, chain: await restoredChain(params, store, signal) }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Says how far a change of layout is, once for each number of records. */
function layoutTeller(log: Log): (progress: LayoutProgress) => void {
  let said = -1
  return ({ from, to, done, unreadable }) => {
    if (done === said) return
    said = done
    log.info(
      { from, to, records: done },
      'the share store is brought to the layout of this version; `p2poolv2 db rollback` brings it back'
    )
    if (unreadable > 0) log.warn(MESSAGES.recordsUnreadable, { from, to, unreadable })
  }
}

/** @throws Error with the code `store-damaged` when what is left cannot be trusted */
function tellOfLoss({ lost, sequence }: LevelStore, folder: string, log: Log): void {
  if (lost.between > 0) {
    const what = `${lost.between} changes of the share chain are missing in the midst of its log`
    throw Object.assign(new Error(`The store in ${folder} is damaged: ${what}.`), { code: 'store-damaged' })
  }
  if (lost.newest === 0) return
  const message = lost.werePromised ? MESSAGES.promisedLost : MESSAGES.newestLost
  log.warn(message, { changesLost: lost.newest, lastChange: sequence, folder })
}

async function restoredChain(
  params: ChainParams,
  store: ShareStore,
  signal: AbortSignal | undefined
): Promise<ShareChain> {
  const chain = new ShareChain({ params })
  chain.beginRestore()
  for await (const rows of store.load()) {
    signal?.throwIfAborted()
    for (const row of rows) chain.restoreRow(row)
  }
  if (chain.finishRestore() === 'empty') await store.commit(chain.genesisDelta())
  return chain
}
