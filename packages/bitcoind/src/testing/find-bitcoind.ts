import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Where a real bitcoind is, or why there is none here. */
export type FoundBitcoind =
  | { readonly path: string; readonly missing: null }
  | { readonly path: null; readonly missing: string }

/** The script's way of saying that this system cannot have one. */
const NOT_POSSIBLE = 3

const SCRIPT = fileURLToPath(new URL('../../../../scripts/get-bitcoind.sh', import.meta.url))
const FETCH_WITHIN_MS = 300_000

/**
 * The program named by the environment variable BITCOIND, else the one `scripts/get-bitcoind.sh` puts in place: some
 * seconds and 25 MB the first time, nothing later.
 * @throws Error when the script fails; a system it does not support is no failure
 */
export async function findBitcoind(): Promise<FoundBitcoind> {
  const named = process.env['BITCOIND']
  if (named !== undefined && named !== '') return { path: named, missing: null }
  if (!existsSync(SCRIPT)) return { path: null, missing: 'no BITCOIND in the environment, no script to fetch one' }
  try {
    const { stdout } = await promisify(execFile)('bash', [SCRIPT], { timeout: FETCH_WITHIN_MS })
    return { path: stdout.trim().split('\n').at(-1) ?? '', missing: null }
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: unknown }
    if (code === NOT_POSSIBLE || code === 'ENOENT') return { path: null, missing: String(stderr ?? code).trim() }
    throw error
  }
}
