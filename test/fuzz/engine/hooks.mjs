// How the sources of this repository are loaded by a process that fuzzes: packages and the node's program with their places, all else plain.
// What comes of a source is kept beside it in a cache: a thread is started for every turn of every target.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { threadId } from 'node:worker_threads'

const ROOT = new URL('../../../', import.meta.url).href
const WATCHED = /^(packages\/(?!simnet\/)|apps\/node\/)(?!.*\/testing\/)/
const CACHE = new URL('node_modules/.cache/fuzz-sources/', ROOT)
/** Another form of instrumented sources has other names. */
const made = readFile(new URL('instrument.mjs', import.meta.url), 'utf8')

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const path = url.startsWith(ROOT) ? url.slice(ROOT.length) : ''
  if (!path.endsWith('.ts') || path.includes('node_modules/')) return nextLoad(url, context)
  const source = await readFile(fileURLToPath(url), 'utf8')
  return { format: 'module', shortCircuit: true, source: await translated(source, path) }
}

/**
 * @param {string} source
 * @param {string} path
 * @returns {Promise<string>}
 */
async function translated(source, path) {
  const name = createHash('sha256')
    .update(`${await made}\n${path}\n${source}`)
    .digest('hex')
    .slice(0, 32)
  const file = new URL(name, CACHE)
  const known = await readFile(file, 'utf8').catch(() => null)
  if (known !== null) return known
  const { instrument, plain } = await import('./instrument.mjs')
  const text = WATCHED.test(path) ? instrument(source, path).text : plain(source, path)
  await mkdir(CACHE, { recursive: true })
  // Whole or not at all: several threads begin at once.
  const half = new URL(`${name}.${process.pid}.${threadId}`, CACHE)
  await writeFile(half, text)
  await rename(half, file)
  return text
}
