import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeIdentity, identityKey, type StoreIdentity } from '@p2poolv2/sharechain'
import { Level } from 'level'
import { type Database, openDatabase } from './database.ts'
import { checkIdentity } from './identity.ts'
import { readOwner } from './owner.ts'
import { readProgress } from './progress.ts'
import { type RowRepair, repairRows } from './repair-rows.ts'
import { StoreDamaged, StoreUnavailable } from './store-errors.ts'

export interface StoreRepair extends RowRepair {
  /** Where the store is as it was found. One is kept: that of an earlier repair is gone. */
  readonly keptIn: string
}

/** In the types of `level` this function of LevelDB is missing. */
const LevelDb = Level as typeof Level & { readonly repair: (directory: string) => Promise<void> }

/**
 * Repairs a damaged store in place: LevelDB makes new lists of what it finds in its files, then the rows are made to agree. The store as
 * it was found is kept beside it, at the price of its logs: tables are never changed, so they are linked. One of which nothing is left
 * is empty then, and new.
 * @throws StoreLocked; StoreDamaged when LevelDB cannot repair it; whatever `openLevelStore` throws for a store of
 * somebody else
 */
export async function repairLevelStore(
  directory: string,
  identity: StoreIdentity,
  onProgress: (done: number, of: number) => void = () => {}
): Promise<StoreRepair> {
  const keptIn = await setAside(directory).catch(error => {
    throw new StoreUnavailable(directory, error)
  })
  await LevelDb.repair(directory).catch(error => {
    throw new StoreDamaged(directory, 'LevelDB cannot repair it', error)
  })
  // What LevelDB could not use; it is in the copy as well.
  await rm(join(directory, 'lost'), { recursive: true, force: true })
  const database = await openDatabase(directory)
  try {
    await restoreIdentity(database, directory)
    await checkIdentity(database, directory, identity)
    const sequence = (await readProgress(directory))?.sequence ?? 0
    const repaired = await repairRows(database, { genesisHash: identity.genesisHash, sequence, onProgress })
    if (repaired !== null) return { ...repaired, keptIn }
    // Without its first share nothing of it can be told: a store whose making was cut short, or whose tables are all gone.
    await database.clear()
    await rm(join(directory, 'progress.json'), { force: true })
    return { kept: 0, rebuilt: 0, lost: sequence, bodiesLost: 0, blocksLost: 0, confirmedHeight: 0, keptIn }
  } finally {
    await database.close()
  }
}

async function restoreIdentity(database: Database, directory: string): Promise<void> {
  const owner = await readOwner(directory)
  if (owner !== null && (await database.get(identityKey())) === undefined) {
    await database.put(identityKey(), encodeIdentity(owner))
  }
}

async function setAside(directory: string): Promise<string> {
  const aside = `${directory}.damaged`
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside)
  for (const name of await readdir(directory)) {
    const [from, to] = [join(directory, name), join(aside, name)]
    // File systems of memory cards know no links; of what is no file there is nothing to keep.
    const isTable = name.endsWith('.ldb') || name.endsWith('.sst')
    const copy = () => copyFile(from, to).catch(() => undefined)
    await (isTable ? link(from, to).catch(copy) : copy())
  }
  return aside
}
