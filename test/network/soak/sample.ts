import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeProgram } from '../../e2e/stage/node-program.ts'

/** What one process takes at one moment. */
export interface Sample {
  readonly atSec: number
  readonly rssBytes: number
  /** Of JavaScript and of buffers outside of it, after a collection. */
  readonly heldBytes: number
  readonly sockets: number
  readonly otherFds: number
  readonly timers: number
  /** Of the share chain's LevelDB. */
  readonly storeBytes: number
  readonly height: number
  readonly peers: number
}

/** @throws when the node does not answer: it is being restarted */
export async function sampleOf(node: NodeProgram, atSec: number): Promise<Sample> {
  // Before the collection: it is what the system sees.
  const rssBytes = await residentBytes(node.program.pid)
  node.program.signal('SIGUSR2')
  // A turn of its event loop later it has collected.
  const { sharechain, network } = await node.status()
  const metrics = await node.text('/metrics')
  const { sockets, others } = await openFiles(node.program.pid)
  return {
    atSec,
    rssBytes,
    heldBytes: metric(metrics, 'nodejs_heap_size_used_bytes') + metric(metrics, 'nodejs_external_memory_bytes'),
    sockets,
    otherFds: others,
    timers: metric(metrics, 'nodejs_active_resources{type="Timeout"}'),
    storeBytes: await folderBytes(join(node.dataDir, 'devnet', 'store')),
    height: sharechain.confirmedHeight,
    peers: network.peers
  }
}

/** The value of one series of `/metrics`; 0 for one that is not there. */
export function metric(exposition: string, series: string): number {
  const line = exposition.split('\n').find(text => text.startsWith(`${series} `))
  return line === undefined ? 0 : Number(line.slice(series.length))
}

async function residentBytes(pid: number): Promise<number> {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) * 1_024
}

export async function openFiles(pid: number): Promise<{ readonly sockets: number; readonly others: number }> {
  const folder = `/proc/${pid}/fd`
  // Some are closed while they are looked at.
  const links = await Promise.all((await readdir(folder)).map(fd => readlink(join(folder, fd)).catch(() => null)))
  const open = links.filter(link => link !== null)
  const sockets = open.filter(link => link.startsWith('socket:')).length
  return { sockets, others: open.length - sockets }
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0
      )
    )
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
