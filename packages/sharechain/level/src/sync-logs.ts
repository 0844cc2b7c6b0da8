import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Waits until all of LevelDB's logs are on the platter. A write with `sync` waits for the newest log only: just after it has begun one, the
 * end of the log before may be nowhere else, and a power cut would leave a later delta without an earlier one.
 * @throws the system's error
 */
export async function syncLogs(directory: string): Promise<void> {
  const logs = (await readdir(directory)).filter(name => name.endsWith('.log'))
  await Promise.all(logs.map(name => syncFile(join(directory, name))))
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+').catch(error => {
    // All of it is in a table by now, and that was synced.
    if (error.code === 'ENOENT') return null
    throw error
  })
  try {
    await file?.datasync()
  } finally {
    await file?.close()
  }
}
