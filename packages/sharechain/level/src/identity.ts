import {
  decodeIdentity,
  decodeState,
  encodeIdentity,
  identityKey,
  keyRange,
  OLDEST_LAYOUT,
  type StoreIdentity,
  stateKey,
  unsealed
} from '@p2poolv2/sharechain'
import type { Database } from './database.ts'
import { StoreDamaged, StoreOfAnotherChain, StoreOfAnotherFingerprint, StoreSchema } from './store-errors.ts'

/**
 * Writes the identity of a new store, or compares it with the one found.
 * @returns the one that is stored; its layout may be an older one that can be read
 */
export async function checkIdentity(
  database: Database,
  directory: string,
  wanted: StoreIdentity
): Promise<StoreIdentity> {
  const stored = await database.get(identityKey())
  if (stored === undefined) {
    if ((await database.get(stateKey())) !== undefined) throw new StoreDamaged(directory, 'it does not say whose it is')
    await database.put(identityKey(), encodeIdentity(wanted), { sync: true })
    return wanted
  }
  const found = decodeIdentity(stored)
  if (found.schemaVersion > wanted.schemaVersion || found.schemaVersion < OLDEST_LAYOUT) {
    throw new StoreSchema(directory, found.schemaVersion, wanted.schemaVersion)
  }
  if (found.chain !== wanted.chain) throw new StoreOfAnotherChain(directory, found, wanted)
  if (found.fingerprint !== wanted.fingerprint || found.genesisHash !== wanted.genesisHash) {
    throw new StoreOfAnotherFingerprint(directory, found, wanted)
  }
  return found
}

/** Of the last delta; 0 for a new store. */
export async function readSequence(database: Database, directory: string): Promise<number> {
  const state = await database.get(stateKey())
  if (state !== undefined) return decodeState(unsealed({ key: stateKey(), value: state })).sequence
  const { from, to } = keyRange('index')
  const orphaned = await database.keys({ gte: from, lt: to, limit: 1 }).all()
  if (orphaned.length > 0) throw new StoreDamaged(directory, 'there are shares but no record of the chain’s tips')
  return 0
}
