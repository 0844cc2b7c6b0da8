import type { StoreIdentity } from '@p2poolv2/sharechain'
import { openDatabase, prepareDirectory, storeError } from './database.ts'
import { checkIdentity } from './identity.ts'
import { changeLayout, clearOtherRows, type LayoutProgress } from './layout.ts'
import { writeOwner } from './owner.ts'

/**
 * Brings the store of a node that does not run back to an older layout, for the version that reads that one: with all that came since, at
 * any time. Ended anywhere it leaves one of the two layouts, whole.
 * @param identity as a node of this version opens it
 * @returns the layout it had before; `wanted` when nothing was to be done
 * @throws StoreLocked, StoreOfAnotherChain, StoreOfAnotherFingerprint, StoreSchema, StoreDamaged, StoreUnavailable
 */
export async function rollbackLayout(
  directory: string,
  identity: StoreIdentity,
  { wanted, onProgress }: { readonly wanted: number; readonly onProgress: (progress: LayoutProgress) => void }
): Promise<number> {
  await prepareDirectory(directory)
  const database = await openDatabase(directory)
  try {
    const found = await checkIdentity(database, directory, identity)
    if (found.schemaVersion > wanted) {
      for await (const progress of changeLayout(database, { directory, identity: found }, wanted)) onProgress(progress)
      await writeOwner(directory, { ...found, schemaVersion: wanted })
    }
    await clearOtherRows(database, Math.min(found.schemaVersion, wanted))
    return found.schemaVersion
  } catch (error) {
    throw storeError(directory, error)
  } finally {
    await database.close()
  }
}
