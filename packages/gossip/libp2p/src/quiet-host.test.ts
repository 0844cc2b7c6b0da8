import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Peer, PeerData, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { noteProtocolsOnce } from './quiet-host.ts'

it('what a peer speaks is written once a connection, anything else as often as it is said', async () => {
  const written: [PeerId, PeerData][] = []
  const store = {
    merge: async (id: PeerId, data: PeerData): Promise<Peer> => {
      written.push([id, data])
      return { id, addresses: [], protocols: data.protocols ?? [], metadata: new Map(), tags: new Map() }
    }
  }
  noteProtocolsOnce(store)
  const key = await generateKeyPair('Ed25519')
  const [first, second] = [peerIdFromPrivateKey(key), peerIdFromPrivateKey(key)]
  for (const protocols of [['a'], ['a'], ['b'], ['a', 'b'], ['a', 'c']]) await store.merge(first, { protocols })
  expect(written.map(([, { protocols }]) => protocols)).toEqual([['a'], ['b'], ['a', 'c']])
  await store.merge(second, { protocols: ['a'] })
  for (const _ of [1, 2]) await store.merge(first, { protocols: ['a'], metadata: {} })
  expect(written.slice(3).map(([id]) => id)).toEqual([second, first, first])
})
