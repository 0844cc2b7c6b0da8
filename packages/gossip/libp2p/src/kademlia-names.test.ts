import { setTimeout } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { networkNames } from '@p2poolv2/gossip'
import { asciiToBytes } from '@p2poolv2/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import { createHost, type Host } from './host.ts'
import { Loopback, testParams } from './testing/loopback.ts'

/** A name whose multihash holds a URL instead of a key: libp2p makes a peer id of it that it cannot read again. */
function urlName(url: string): Uint8Array {
  const text = asciiToBytes(url)
  return Uint8Array.of(0, text.length, ...text)
}

describe('names that Kademlia tells', () => {
  const loopback = new Loopback()
  let stranger: Host | null = null

  afterEach(async () => {
    await stranger?.stop()
    await loopback.stop()
  })

  it('may hold a URL instead of a key, and end nothing; others are told on, with who told them', async () => {
    const params = testParams()
    const node = await loopback.start({ params })
    const host = await createHost({
      names: networkNames(params),
      privateKey: await generateKeyPair('Ed25519'),
      agent: 'stranger',
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      isLocalChain: true,
      topics: null,
      toldByKademlia: () => undefined,
      gater: {},
      proxy: null,
      localNetwork: null
    })
    stranger = host
    await host.start()
    const third = await generateKeyPair('Ed25519')
    const thirdName = peerIdFromPrivateKey(third).toMultihash().bytes
    let asked = 0
    const { handlers } = (
      host.services.kademlia as unknown as {
        readonly rpc: { readonly handlers: Record<string, { handle: (...args: unknown[]) => Promise<unknown> }> }
      }
    ).rpc
    handlers['FIND_NODE'] = {
      handle: async () => {
        asked++
        return {
          type: 'FIND_NODE',
          clusterLevel: 0,
          closer: [urlName('http://a.example/'), thirdName].map(id => ({
            id,
            multiaddrs: [multiaddr('/ip4/192.0.3.1/tcp/6884').bytes]
          })),
          providers: []
        }
      }
    }
    const [address = ''] = node.network.addresses()
    await host.dial(multiaddr(address))
    while (asked === 0) await setTimeout(50)
    // An exception in a listener of libp2p's ends the process a turn later: vitest reports it.
    await setTimeout(500)
    const learned = node.peering.filter(({ type }) => type === 'learned')
    expect(learned.length).toBeGreaterThan(0)
    for (const one of learned) {
      expect(one).toEqual({
        type: 'learned',
        source: 'kademlia',
        peer: peerIdFromPrivateKey(third).toString(),
        addresses: ['/ip4/192.0.3.1/tcp/6884'],
        teller: host.peerId.toString()
      })
    }
  }, 20_000)
})
