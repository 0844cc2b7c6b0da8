import { unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { openPeerStore } from '../peer-store.ts'

// A process of its own: keeps one address after another and says each number once it is in, until it is killed.
const [folder = ''] = process.argv.slice(2)
const store = await openPeerStore(folder, createLog({ level: 'error', format: 'json' }))
for (let n = 1; ; n++) {
  store.keep({
    type: 'address',
    key: `/ip4/11.${(n >> 8) & 255}.${n & 255}.1/tcp/6884`,
    peer: null,
    source: 'kademlia',
    lastGoodMs: unixMs(1_700_000_000_000),
    goodForMs: n
  })
  await store.written()
  process.stdout.write(`${n}\n`)
}
