import { readFileSync } from 'node:fs'

/** The program's own files, its store, and a handful of connections. */
const MIN_OPEN_FILES = 256
const LIMITS = '/proc/self/limits'

/** What to say instead of loading a program that cannot open its own files; null when it can, or nobody knows. */
export function openFilesComplaint(limits: string | null = limitsText()): string | null {
  const soft = Number(/^Max open files +(\d+)/m.exec(limits ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
  if (soft >= MIN_OPEN_FILES) return null
  return (
    `p2poolv2: this system lets a program open ${soft} files, and the node needs ${MIN_OPEN_FILES}: ` +
    'raise the limit, with "ulimit -n 4096" before the start or LimitNOFILE=4096 in the systemd unit'
  )
}

/** Null on systems without that file; there the default is above what is needed. */
function limitsText(): string | null {
  try {
    return readFileSync(LIMITS, 'utf8')
  } catch {
    return null
  }
}
