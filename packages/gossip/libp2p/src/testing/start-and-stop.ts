// A program of its own: two nodes in the middle of everything stop, and nothing is left that keeps the process alive.
import '@p2poolv2/runtime/with-resolvers'
import { Loopback } from './loopback.ts'

const loopback = new Loopback()
const [a, b] = [await loopback.start(), await loopback.start()]
await loopback.join(a, b)
const { peer } = b.network
for (let requestId = 1; requestId <= 20; requestId++) {
  const payload = new Uint8Array(10_000)
  a.network.perform({ type: 'request', peer, requestId, protocol: 'shares', payload, timeoutMs: 600_000 })
}
await loopback.changes.until(() => b.told.filter(({ type }) => type === 'peerRequest').length === 20)
const dials = [a.network.connect('/ip4/127.0.0.1/tcp/1', null), loopback.dial(a, b)]
await loopback.stop()
await Promise.all(dials)
process.stdout.write('stopped\n')
