import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface FloorProcess {
  readonly port: number
  readonly pid: number
  readonly end: () => void
}

/** Starts the server that judges nothing, in a process of its own. */
export async function startFloor(): Promise<FloorProcess> {
  const file = import.meta.url.endsWith('.ts') ? './floor-main.ts' : './floor-main.js'
  const child = fork(fileURLToPath(new URL(file, import.meta.url)))
  const [port] = (await once(child, 'message')) as [number]
  return { port, pid: child.pid ?? 0, end: () => void child.disconnect() }
}
