import { OLDEST_LAYOUT, SCHEMA_VERSION } from '@p2poolv2/sharechain'
import { rollbackLayout } from '@p2poolv2/sharechain/level'
import { ConfigError, type ConfigSources } from '../config.ts'
import { storeIdentity } from '../wire/share-store.ts'
import { storedChainOf } from './stored-chain.ts'

/** What came of going back. */
export interface Rollback {
  readonly folder: string
  readonly before: number
  readonly layout: number
  /** Records written anew. */
  readonly records: number
}

/**
 * Brings the share store to the layout of the version before, so that this can be used again.
 * @throws ConfigError where there is no store, or none older is known; what `rollbackLayout` throws, such as for a node that runs
 */
export async function dbRollback(sources: ConfigSources): Promise<Rollback> {
  const { params, folder } = storedChainOf(sources)
  const layout = SCHEMA_VERSION - 1
  if (layout < OLDEST_LAYOUT)
    throw new ConfigError('no older layout of the store is known: the version of before reads it as it is')
  let records = 0
  const before = await rollbackLayout(folder, storeIdentity(params), {
    wanted: layout,
    onProgress: ({ done }) => {
      records = done
    }
  })
  return { folder, before, layout, records }
}

export function rollbackView({ folder, before, layout, records }: Rollback): string[] {
  if (before <= layout)
    return [
      `The store in ${folder} has layout ${before} already: start the version that reads it. Nothing was changed.`
    ]
  return [
    `The store in ${folder} has layout ${layout} again, and all that was in it; ${records} records were written anew.`,
    'Install the version of before now. Started once more, this version brings the store to its own layout again.'
  ]
}
