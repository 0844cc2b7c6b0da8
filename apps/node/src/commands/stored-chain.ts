import { existsSync } from 'node:fs'
import type { ChainParams } from '@p2poolv2/consensus'
import type { ShareStore } from '@p2poolv2/sharechain'
import { openLevelStore } from '@p2poolv2/sharechain/level'
import { ConfigError, type ConfigSources, loadSettings } from '../config.ts'
import { paramsOf } from '../data/chain-params.ts'
import { storeFolder } from '../data/data-dir.ts'
import { readGenesis } from '../data/devnet-genesis.ts'
import { storeIdentity } from '../wire/share-store.ts'

/** What a node that does not run has left on disk. */
export interface StoredChain {
  readonly params: ChainParams
  readonly store: ShareStore
  readonly folder: string
}

/**
 * Where the share store of a configuration is and whose.
 * @throws ConfigError where there is none
 */
export function storedChainOf(sources: ConfigSources): Omit<StoredChain, 'store'> {
  const { config } = loadSettings(sources)
  const folder = storeFolder(config.data_dir, config.chain)
  if (!existsSync(folder))
    throw new ConfigError(
      `there are no shares in ${folder}: no node has run on this data directory and chain. Name others with --data-dir and --chain`
    )
  const written = config.chain === 'devnet' && config.genesis.time === undefined ? readGenesis(config.data_dir) : null
  return { params: paramsOf(config, written ?? {}), folder }
}

/**
 * Opens the share store of a node that does not run, gives it to `work` and closes it. Only one program at a time can have it open: while
 * a node runs it refuses with the node's process id.
 * @throws ConfigError where there is none; what `openLevelStore` throws
 */
export async function withStoredChain<T>(
  sources: ConfigSources,
  work: (stored: StoredChain) => Promise<T>
): Promise<T> {
  const { params, folder } = storedChainOf(sources)
  const store = await openLevelStore(folder, storeIdentity(params))
  try {
    return await work({ params, store, folder })
  } finally {
    await store.close()
  }
}
