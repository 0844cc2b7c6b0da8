// A stamp is a hash of what a step was made from, kept beside what it made: same stamp, nothing to do.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.tools'])

/**
 * Every file below `directory` that `wanted` likes, sorted, as paths from `root` with forward slashes.
 * @param {string} root
 * @param {string} directory from `root`
 * @param {(name: string) => boolean} wanted
 * @returns {string[]}
 */
export function listFiles(root, directory, wanted) {
  const entries = readdirSync(join(root, directory), { withFileTypes: true })
  return entries
    .flatMap(entry => {
      const path = `${directory}/${entry.name}`
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : listFiles(root, path, wanted)
      return entry.isFile() && wanted(entry.name) ? [path] : []
    })
    .sort()
}

/**
 * A hash of the contents of the files that exist, and of `facts`.
 * @param {string} root
 * @param {{ paths: string[], facts: string[] }} inputs
 */
export function hashContents(root, { paths, facts }) {
  const hash = createHash('sha256').update(JSON.stringify(facts))
  for (const path of paths) {
    const content = readOrNull(join(root, path))
    if (content !== null) hash.update(`\0${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/**
 * A hash of paths, sizes and times of the last change: cheaper than the contents, and wrong only for a file that was
 * changed to the same size within one tick of the file system's clock.
 * @param {string} root
 * @param {{ paths: string[], facts: string[] }} inputs
 */
export function hashListing(root, { paths, facts }) {
  const hash = createHash('sha256').update(JSON.stringify(facts))
  for (const path of paths) {
    const stat = statSync(join(root, path))
    hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** @returns {string | null} */
export function readStamp(/** @type {string} */ path) {
  return readOrNull(path)?.trim() ?? null
}

/** Before a step begins, so that a step cut short is done again. */
export function removeStamp(/** @type {string} */ path) {
  rmSync(path, { force: true })
}

export function writeStamp(/** @type {string} */ path, /** @type {string} */ stamp) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${stamp}\n`)
}

/** @returns {string | null} */
function readOrNull(/** @type {string} */ path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
