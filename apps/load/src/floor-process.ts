import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface Floor {
  readonly port: number
  /** Of its one process; null when there are several. */
  readonly pid: number | null
  readonly end: () => void
}

/**
 * Starts the server that judges nothing, in processes of its own.
 * @param owners processes, each of which owns its part of the connections: what threads would be worth
 * @param zmq the bitcoin node's `zmqpubhashblock`, or null: then nobody hears of new blocks
 */
export async function startFloor({ owners, zmq }: { owners: number; zmq: string | null }): Promise<Floor> {
  const main = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './floor-main.ts' : './floor-main.js', import.meta.url)
  )
  const children: ChildProcess[] = Array.from({ length: owners }, () => fork(main, zmq === null ? [] : [zmq]))
  let next = 0
  const door = createServer({ pauseOnConnect: true }, socket => {
    socket.on('error', () => socket.destroy())
    children[next++ % owners]?.send('yours', socket)
  })
  door.listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
  await once(door, 'listening')
  const address = door.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    pid: owners === 1 ? (children[0]?.pid ?? null) : null,
    end: () => {
      door.close()
      for (const child of children) child.disconnect()
    }
  }
}
