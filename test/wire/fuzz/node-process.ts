// A live node as a process of its own, so that what strangers cost it can be told from what they cost themselves. It says where it
// is, then what it holds several times a second, as JSON lines; it ends with its input.
import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { LiveNode } from '../live-node.ts'

/** What the node holds. */
export interface Holding {
  readonly rssBytes: number
  /** Of JavaScript, and of buffers outside of it, after a collection. */
  readonly usedBytes: number
  readonly connections: number
  readonly uptimeMs: number
}

const REPORT_EVERY_MS = 250
const SHARES = 200

const builder = new ChainBuilder()
const live = await LiveNode.start(builder.params, builder.row(builder.genesis, SHARES))
const tell = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
tell({ port: live.port, base: live.base })
setInterval(() => {
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const holding: Holding = {
    rssBytes: rss,
    usedBytes: heapUsed + external,
    connections: live.network.connections().length,
    uptimeMs: performance.now()
  }
  tell(holding)
}, REPORT_EVERY_MS)
process.stdin.on('end', () => process.exit(0)).resume()
