import '@p2poolv2/runtime/with-resolvers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isConnected, Loopback, type LoopbackNode } from './testing/loopback.ts'
import { SocksServer } from './testing/socks-server.ts'

const ONION = `${'a'.repeat(55)}d`

describe('a node behind a SOCKS5 proxy', () => {
  const loopback = new Loopback()
  let proxy: SocksServer
  let far: LoopbackNode

  beforeEach(async () => {
    proxy = await SocksServer.start()
    far = await loopback.start()
    proxy.route = () => ({ port: far.network.port ?? 0 })
  })

  afterEach(async () => {
    await loopback.stop()
    await proxy.stop()
  })

  const start = (isOnly = false) => loopback.start({ proxy: { host: '127.0.0.1', port: proxy.port, isOnly } })
  const failures = (node: LoopbackNode) =>
    node.peering.flatMap(event => (event.type === 'dialFailed' ? [event.reason] : []))

  it.each([
    ['/ip4/8.8.8.8/tcp/6884', '8.8.8.8', 6884],
    ['/ip6/2600::1/tcp/6885', '38.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1', 6885],
    [`/onion3/${ONION}:6886`, `${ONION}.onion`, 6886]
  ])('dials %s through it, and speaks over it as ever', async (address, host, port) => {
    const node = await start()
    await node.network.connect(address, far.network.peer)
    await loopback.changes.until(() => isConnected(node, far) && isConnected(far, node))
    expect(proxy.asked).toMatchObject([{ host, port }])
    far.network.perform({ type: 'publish', topic: 'shares', data: Uint8Array.of(1) })
    await loopback.changes.until(() => node.told.some(({ type }) => type === 'gossip'))
    expect(node.network.connections()).toMatchObject([{ address, direction: 'outbound' }])
  })

  it('has each connection apart from the others', async () => {
    const node = await start()
    proxy.route = () => 4
    await node.network.connect('/ip4/8.8.8.8/tcp/6884', null)
    await node.network.connect('/ip4/8.8.4.4/tcp/6884', null)
    const [one, other] = proxy.asked
    expect(one?.name).toMatch(/^[0-9a-f]{32} /)
    expect(one?.name).not.toBe(other?.name)
    expect(failures(node)).toEqual(['unreachable', 'unreachable'])
  })

  it('dials its own house without it, unless nothing may go in the clear', async () => {
    const [open, closed] = [await start(), await start(true)]
    await loopback.dial(open, far)
    expect(proxy.asked).toEqual([])
    await loopback.dial(closed, far)
    expect(proxy.asked).toMatchObject([{ host: '127.0.0.1', port: far.network.port }])
    await loopback.changes.until(() => isConnected(open, far) && isConnected(closed, far))
  })

  it('looks no name up, and dials nothing when the proxy is gone', async () => {
    const node = await start(true)
    await node.network.connect('/dns4/example.com/tcp/6884', null)
    await node.network.connect('/dnsaddr/example.com', null)
    await proxy.stop()
    await node.network.connect('/ip4/8.8.8.8/tcp/6884', null)
    await loopback.dial(node, far)
    expect(failures(node)).toEqual(['failed', 'failed', 'refused', 'refused'])
    expect(proxy.asked).toEqual([])
    proxy = await SocksServer.start()
  })
})
