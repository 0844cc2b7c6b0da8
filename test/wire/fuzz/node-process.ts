// A live node as a process of its own, so that what strangers cost it can be told from what they cost themselves. It says where it
// is, then what it holds several times a second, as JSON lines; after a line `collect` without its garbage. It ends with its input.
import { createInterface } from 'node:readline'
import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { LiveNode } from '../live-node.ts'

/** What the node holds. */
export interface Holding {
  readonly rssBytes: number
  /** Of JavaScript, and of buffers outside of it. */
  readonly usedBytes: number
  /** `collected`: nothing of it is garbage. A collection stops the node, so it is never made while its service is measured. */
  readonly garbage: 'collected' | 'counted'
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
function tellHolding(garbage: Holding['garbage']): void {
  live.forgetTold()
  if (garbage === 'collected') globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const connections = live.network.connections().length
  const holding: Holding = {
    rssBytes: rss,
    usedBytes: heapUsed + external,
    garbage,
    connections,
    uptimeMs: performance.now()
  }
  tell(holding)
}
setInterval(() => tellHolding('counted'), REPORT_EVERY_MS)
createInterface({ input: process.stdin })
  .on('line', () => tellHolding('collected'))
  .on('close', () => process.exit(0))
