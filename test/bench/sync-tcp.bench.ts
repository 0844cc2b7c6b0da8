/** How fast a newcomer takes in a share chain from one peer over TCP: headers, and whole shares. Both ends are in this process. */
import '@p2poolv2/runtime/with-resolvers'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import { LiveNode } from '../wire/live-node.ts'
import { measure, note } from './measure.ts'

const SHARES = 3_000
const params = easyParams()
const builder = new ChainBuilder(params)
const shares = builder.row(builder.genesis, SHARES)
const [tip] = shares.slice(-1)
if (tip === undefined) throw new Error('a row has an end')

const server = await LiveNode.start(params, shares)
note(`${SHARES} shares, one payee each, from one peer on loopback; the CPU time is that of both ends`)
let newcomer: LiveNode | null = null

/** Until the newcomer's chain has the tip, by headers alone or with all bodies judged. */
async function synced(which: 'headers' | 'shares'): Promise<void> {
  const node = newcomer
  if (node === null) throw new Error('the newcomer has started')
  await node.network.connect(server.address, server.network.peer)
  const { chain } = node.node
  await node.until(
    () => (which === 'headers' ? chain.candidateTip() : chain.confirmedTip()).hash === tip?.hash,
    120_000
  )
}

for (const which of ['headers', 'shares'] as const) {
  await measure({
    id: `sync.tcp.${which}`,
    unit: which === 'headers' ? 'header' : 'share',
    operationsPerSample: SHARES,
    samples: 3,
    prepare: async () => {
      newcomer = await LiveNode.start(params, [], tip)
    },
    run: () => synced(which),
    clear: async () => {
      await newcomer?.stop()
    }
  })
}
await server.stop()
