import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ChainName,
  type ChainParams,
  chainParams,
  consensusFingerprint,
  decodeHeaderBatch,
  decodeShare,
  genesisShare,
  type ShareHeader
} from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import { SCHEMA_VERSION, ShareChain } from '@p2poolv2/sharechain'
import { type LevelStore, openLevelStore } from '@p2poolv2/sharechain/level'

/** What a node that no longer runs has left on disk. */
export interface StoredChain {
  readonly params: ChainParams
  readonly genesisHash: ShareHash
  readonly store: LevelStore
  readonly sequence: number
  readonly confirmedTip: ShareHash
}

/** Opens a node's store and gives it to `work`. Only one program at a time can have it open. */
export async function withStoredChain<T>(
  dataDir: string,
  chain: ChainName,
  work: (stored: StoredChain) => Promise<T>
): Promise<T> {
  const params = await paramsOf(dataDir, chain)
  const genesisHash = genesisShare(params).hash
  const identity = { schemaVersion: SCHEMA_VERSION, chain, fingerprint: consensusFingerprint(params), genesisHash }
  const store = await openLevelStore(join(dataDir, chain, 'store'), identity, {
    signal: new AbortController().signal
  })
  try {
    const restored = await restoredChain(params, store)
    const confirmedTip = restored.confirmedTip().hash
    return await work({ params, genesisHash, store, sequence: restored.sequence, confirmedTip })
  } finally {
    await store.close()
  }
}

export async function storedHeader(stored: StoredChain, hash: ShareHash): Promise<ShareHeader & { height: number }> {
  const [record] = await stored.store.readHeaders([hash])
  if (record === null || record === undefined) throw new Error(`the store has no header of share ${hash}`)
  const [item] = decodeHeaderBatch(record.batch)
  if (item === undefined || item.hash !== hash) throw new Error(`what the store has under ${hash} is another share`)
  return { ...item.header, height: record.height }
}

/**
 * The confirmed chain by height, read by parent links from the tip to the genesis.
 * @param known an earlier answer; what is below where the chain meets it is taken from there and not read again
 * @throws when a header is missing, heights do not count down by one, or a body is missing or damaged
 */
export async function confirmedChain(stored: StoredChain, known: readonly ShareHash[] = []): Promise<ShareHash[]> {
  const newestFirst: ShareHash[] = []
  let hash = stored.confirmedTip
  for (;;) {
    const header = await storedHeader(stored, hash)
    if (known[header.height] === hash) return [...known.slice(0, header.height + 1), ...newestFirst.reverse()]
    newestFirst.push(hash)
    if (hash === stored.genesisHash) {
      if (header.height !== 0) throw new Error('the genesis is not at height 0')
      break
    }
    await checkBody(stored, hash)
    const parent = await storedHeader(stored, header.prevShareHash)
    if (parent.height !== header.height - 1) throw new Error(`share ${hash} is not one above its parent`)
    hash = header.prevShareHash
  }
  return newestFirst.reverse()
}

async function checkBody(stored: StoredChain, hash: ShareHash): Promise<void> {
  const [body] = await stored.store.readShares([hash])
  if (body === null || body === undefined) throw new Error(`confirmed share ${hash} has no body`)
  if (decodeShare(body).hash !== hash) throw new Error(`the body under ${hash} is another share`)
}

/** Whether the store has a share, whole. */
export async function hasShare(stored: StoredChain, share: ShareHash): Promise<boolean> {
  const [body] = await stored.store.readShares([share])
  return body !== null && body !== undefined && decodeShare(body).hash === share
}

/**
 * Whether the rules explain that a share does not count: its parent lost with it, for an uncle's is of the chain; or none of the shares that
 * could have named it both was its maker's, of work that began after it, and had room. Others made them while the maker was dead or had not
 * been heard yet. Work begins with a new tip: a share is of later work if it is of another life, or built on what was made later.
 * @param place.chain as `confirmedChain` gives it, well above the height
 * @param later what its maker made after it, and whether in the same life
 */
export async function isOvertaken(
  stored: StoredChain,
  {
    chain,
    height,
    share
  }: { readonly chain: readonly ShareHash[]; readonly height: number; readonly share: ShareHash },
  later: ReadonlyMap<ShareHash, boolean>
): Promise<boolean> {
  const { uncleDepth, maxUncles } = stored.params
  const [record] = await stored.store.readHeaders([share])
  if (record !== null && record !== undefined) {
    const { prevShareHash } = await storedHeader(stored, share)
    if (chain[height - 1] !== prevShareHash) return true
  }
  for (const namer of chain.slice(height + 1, height + 1 + uncleDepth)) {
    if (!later.has(namer)) continue
    const { uncles, prevShareHash } = await storedHeader(stored, namer)
    const isLaterWork = later.get(namer) === false || later.has(prevShareHash)
    if (isLaterWork && uncles.length < maxUncles) return false
  }
  return true
}

/** The chain as a start of the node would have it. @throws when the store cannot be read back */
async function restoredChain(params: ChainParams, store: LevelStore): Promise<ShareChain> {
  const chain = new ShareChain({ params })
  chain.beginRestore()
  for await (const rows of store.load()) for (const row of rows) chain.restoreRow(row)
  chain.finishRestore()
  chain.checkInvariants()
  return chain
}

async function paramsOf(dataDir: string, chain: ChainName): Promise<ChainParams> {
  if (chain !== 'devnet') return chainParams(chain)
  const genesisTime = await readFile(join(dataDir, 'devnet-genesis'), 'utf8')
  return chainParams('devnet', { timeSec: Number(genesisTime.trim()) })
}
