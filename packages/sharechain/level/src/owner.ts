import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodecError } from '@p2poolv2/primitives'
import { decodeIdentity, encodeIdentity, type StoreIdentity } from '@p2poolv2/sharechain'

const FILE_NAME = 'identity.json'

/** Leaves a copy of a store's identity beside LevelDB's files, for a repair that finds none in them. */
export async function writeOwner(directory: string, identity: StoreIdentity): Promise<void> {
  const file = join(directory, FILE_NAME)
  const text = encodeIdentity(identity)
  const known = await readFile(file).catch(() => null)
  if (known?.equals(text) !== true) await writeFile(file, text)
}

/** Null where there is no such copy. */
export async function readOwner(directory: string): Promise<StoreIdentity | null> {
  const bytes = await readFile(join(directory, FILE_NAME)).catch(() => null)
  try {
    return bytes === null ? null : decodeIdentity(bytes)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
