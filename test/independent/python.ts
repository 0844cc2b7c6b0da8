import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('payouts.py', import.meta.url))

export interface Recomputed {
  readonly code: number | null
  /** What it counted; null if it found a difference. */
  readonly counts: Readonly<Record<string, number | string>> | null
  /** Why it ended with anything but 0. */
  readonly complaint: string
}

/** Where to find a Python 3, or why there is none. */
export async function findPython(): Promise<{ readonly command: string | null; readonly missing: string }> {
  const command = process.env['PYTHON3'] ?? 'python3'
  const { code, out } = await run(command, ['-c', 'import sys; print(sys.version_info[0])'])
  if (code === 0 && out.trim() === '3') return { command, missing: '' }
  return { command: null, missing: `no Python 3 by the name of ${command}: install it, or say where one is in PYTHON3` }
}

/** Has the program look at a file of shares. @param proveEvery of so many shares one has its midstate recomputed */
export async function recompute(command: string, file: string, proveEvery: number): Promise<Recomputed> {
  const { code, out, err } = await run(command, [PROGRAM, file, String(proveEvery)])
  return { code, counts: code === 0 ? (JSON.parse(out) as Recomputed['counts']) : null, complaint: err.trim() }
}

async function run(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', chunk => {
    out += String(chunk)
  })
  child.stderr.on('data', chunk => {
    err += String(chunk)
  })
  const code: number | null = await once(child, 'close').then(
    ([ended]) => ended as number | null,
    () => null
  )
  return { code, out, err }
}
