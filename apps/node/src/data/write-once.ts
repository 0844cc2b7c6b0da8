import { closeSync, constants, copyFileSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Puts a small file in place, whole and on the platter, or not at all: a full disk or a power cut leaves no half of it.
 * @returns false if there is a file of that name already, which is left as it is
 * @throws the system's error, with the file's path
 */
export function writeOnce(file: string, content: { readonly text: string; readonly mode: number }): boolean {
  const temporary = `${file}.${process.pid}.new`
  try {
    rmSync(temporary, { force: true })
    writeSynced(temporary, content)
    return linked(temporary, file)
  } catch (cause) {
    // Of a failed write the system does not say where.
    throw Object.assign(cause as Error, { path: file })
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeSynced(file: string, { text, mode }: { readonly text: string; readonly mode: number }): void {
  const handle = openSync(file, 'wx', mode)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** A link, unlike a renaming, never replaces what another start put there in the meantime. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
  } catch (cause) {
    if (isThere(cause)) return false
    // File systems of memory cards know no links.
    try {
      copyFileSync(from, to, constants.COPYFILE_EXCL)
    } catch (copyCause) {
      if (isThere(copyCause)) return false
      rmSync(to, { force: true })
      throw copyCause
    }
  }
  syncFolder(dirname(to))
  return true
}

/** Makes the name as durable as the content. Not every system can open a folder for that; those do it by themselves. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  } catch {
    // Nothing more can be done.
  }
}

function isThere(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'EEXIST'
}
