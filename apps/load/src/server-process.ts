import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const LISTENING = '0A'
/** What /proc counts CPU time in (proc(5)): 100 a second on every Linux that Node.js runs on. */
const TICKS_PER_SEC = 100

/** What the server's process has cost until now. */
export interface ProcessCost {
  readonly cpuMs: number
  readonly residentBytes: number
}

/** The process that listens on a port of this computer, or null: another computer, another system, somebody else's process. */
export function listenerOf(port: number): number | null {
  try {
    const inodes = new Set([...listeningInodes('/proc/net/tcp', port), ...listeningInodes('/proc/net/tcp6', port)])
    for (const pid of readdirSync('/proc')) if (/^\d+$/.test(pid) && holdsSocket(pid, inodes)) return Number(pid)
  } catch {
    // No /proc on this system.
  }
  return null
}

/** CPU time of all its threads, and its memory; null when it is not there. */
export function costOf(pid: number): ProcessCost | null {
  try {
    // The name in parentheses may hold anything, so fields are counted from its end: utime and stime are the 14th and 15th.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    const ticks = Number(fields[11]) + Number(fields[12])
    return { cpuMs: (ticks * 1000) / TICKS_PER_SEC, residentBytes: Number(resident?.[1] ?? Number.NaN) * 1024 }
  } catch {
    return null
  }
}

function listeningInodes(file: string, port: number): string[] {
  const portHex = port.toString(16).toUpperCase().padStart(4, '0')
  return readFileSync(file, 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields[3] === LISTENING && fields[1]?.endsWith(`:${portHex}`))
    .map(fields => `socket:[${fields[9]}]`)
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
