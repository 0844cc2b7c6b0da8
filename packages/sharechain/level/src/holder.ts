import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Who has a store open. */
export interface Holder {
  readonly pid: number
  /** ISO 8601. */
  readonly since: string
}

const FILE_NAME = 'holder.json'

/** Leaves word of this process in a store it has just locked. LevelDB's own lock decides; this file only names names. */
export async function writeHolder(directory: string): Promise<void> {
  const holder: Holder = { pid: process.pid, since: new Date().toISOString() }
  await writeFile(join(directory, FILE_NAME), `${JSON.stringify(holder)}\n`)
}

export async function removeHolder(directory: string): Promise<void> {
  await rm(join(directory, FILE_NAME), { force: true })
}

/** The live process that left word in a store; null if there is no word, or its process is gone. */
export async function readHolder(directory: string): Promise<Holder | null> {
  const text = await readFile(join(directory, FILE_NAME), 'utf8').catch(() => null)
  const holder = text === null ? null : parseHolder(text)
  return holder !== null && isAlive(holder.pid) ? holder : null
}

function parseHolder(text: string): Holder | null {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || !('pid' in parsed) || !('since' in parsed)) return null
    const { pid, since } = parsed
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0 || typeof since !== 'string') return null
    return Number.isNaN(Date.parse(since)) ? null : { pid, since: new Date(since).toISOString() }
  } catch {
    // A half-written file names nobody.
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
