import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodecError } from '@p2poolv2/primitives'
import { innermostReason } from '@p2poolv2/runtime'
import { Level } from 'level'
import { readHolder } from './holder.ts'
import { StoreDamaged, StoreLocked, StoreUnavailable } from './store-errors.ts'

export type Database = Level<Uint8Array, Uint8Array>

/** Table files: larger than LevelDB's default, since bodies make gigabytes of them, and few open at once. */
const MAX_FILE_BYTES = 16 * 1024 * 1024
const MAX_OPEN_FILES = 256

/** Makes the directory, and refuses one where LevelDB would begin anew over the remains of a store, or looks for a file that is not there. */
export async function prepareDirectory(directory: string): Promise<void> {
  const names = await mkdir(directory, { recursive: true })
    .then(() => readdir(directory))
    .catch(error => {
      throw new StoreUnavailable(directory, error)
    })
  const hasTables = names.some(name => name.endsWith('.ldb') || name.endsWith('.log'))
  if (!names.includes('CURRENT')) {
    if (hasTables) throw new StoreDamaged(directory, 'its file CURRENT is missing')
    return
  }
  const current = await readFile(join(directory, 'CURRENT'), 'latin1').catch(() => null)
  if (current !== null && !names.includes(current.trimEnd())) {
    throw new StoreDamaged(directory, 'its file CURRENT names no file that is there')
  }
}

/** @throws StoreLocked, StoreDamaged, StoreUnavailable */
export async function openDatabase(directory: string): Promise<Database> {
  const database: Database = new Level(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    maxFileSize: MAX_FILE_BYTES,
    maxOpenFiles: MAX_OPEN_FILES
  })
  await database.open().catch(async error => {
    throw await openFailure(directory, error)
  })
  return database
}

async function openFailure(directory: string, error: unknown): Promise<unknown> {
  if (codesOf(error).includes('LEVEL_LOCKED')) return new StoreLocked(directory, await readHolder(directory), error)
  return storeError(directory, error)
}

/** LevelDB's errors and our codecs' as errors of the store; those pass, and so does whatever is neither. */
export function storeError(directory: string, error: unknown): unknown {
  if (error instanceof CodecError) return new StoreDamaged(directory, error.message, error)
  const codes = codesOf(error)
  if (codes.includes('LEVEL_CORRUPTION')) return new StoreDamaged(directory, innermostReason(error), error)
  if (codes.some(code => code.startsWith('LEVEL_'))) return new StoreUnavailable(directory, error)
  return error
}

/** Codes of an error and its causes, outermost first. */
export function codesOf(error: unknown): string[] {
  const codes: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) if ('code' in at) codes.push(String(at.code))
  return codes
}
