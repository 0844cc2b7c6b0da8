// The other end of a sync as a process of its own: `SHARES`. It says where it is, and for every line it reads the processor time it has
// taken so far, in microseconds; as JSON lines. It ends with its input.
import '@p2poolv2/runtime/with-resolvers'
import { createInterface } from 'node:readline'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import { LiveNode } from '../../wire/live-node.ts'

const builder = new ChainBuilder(easyParams())
const server = await LiveNode.start(builder.params, builder.row(builder.genesis, Number(process.argv[2])))
const tell = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
tell({ address: server.address, peer: server.network.peer })
createInterface({ input: process.stdin })
  .on('line', () => {
    const { user, system } = process.cpuUsage()
    tell({ cpuUs: user + system })
  })
  .on('close', () => process.exit(0))
