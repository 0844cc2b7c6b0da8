import { graft, publish, subscribe } from '../raw/pubsub.ts'
import type { RawPeer } from '../raw/raw-peer.ts'
import { encodeFields, prefixed, varint } from '../raw/varint.ts'
import { FLAG } from '../raw/yamux.ts'
import type { Case } from './case.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const shares = (peer: RawPeer): string => peer.topic('shares')

/** Sends what it is given over gossipsub, and looks whether requests go on. */
const sends = (name: string, rpcs: (peer: RawPeer) => readonly Buffer[]): Case => ({
  name,
  act: async peer => {
    const out = await peer.joinTopics()
    for (const rpc of rpcs(peer)) await out.send(rpc)
    return (await peer.ping()) ? 'nothing' : 'no ping'
  },
  fate: 'nothing'
})

const control = (kind: number, fields: Buffer): Buffer => prefixed(encodeFields([[3, encodeFields([[kind, fields]])]]))

export const GOSSIP_CASES: readonly Case[] = [
  sends('an RPC larger than any two nodes of ours exchange', () => [varint(64 * 1_048_576)]),
  sends('an RPC that is no protocol buffer', () => [prefixed(Buffer.alloc(1_000, 0xff))]),
  sends('an RPC that breaks off', peer => [publish(shares(peer), Buffer.alloc(100)).subarray(0, 40)]),
  sends('a message that names an author', peer => [publish(shares(peer), bytes('a'), [[1, peer.identity.publicKey]])]),
  sends('a message with a number and a signature', peer => [
    publish(shares(peer), bytes('b'), [
      [3, Buffer.alloc(8, 1)],
      [5, Buffer.alloc(64, 1)]
    ])
  ]),
  sends('an empty message', peer => [publish(shares(peer), Buffer.alloc(0))]),
  sends('a message in a topic that nobody has', () => [publish('/p2pool/none', bytes('c'))]),
  sends('a thousand subscriptions to nothing', () => [
    subscribe(Array.from({ length: 1_000 }, (_, n) => `/p2pool/none/${n}`))
  ]),
  sends('subscriptions that come and go', peer =>
    Array.from({ length: 500 }, (_, n) =>
      prefixed(
        encodeFields([
          [
            1,
            encodeFields([
              [1, n % 2],
              [2, bytes(shares(peer))]
            ])
          ]
        ])
      )
    )
  ),
  sends('a graft into a topic that nobody has', () => [graft('/p2pool/none')]),
  sends('grafts without end', peer => Array.from({ length: 500 }, () => graft(shares(peer)))),
  sends('offers of ten thousand messages', peer =>
    Array.from({ length: 10 }, (_, n) =>
      control(
        1,
        encodeFields([
          [1, bytes(shares(peer))],
          ...Array.from({ length: 1_000 }, (_, m) => [2, Buffer.alloc(20, `${n}.${m}`)] as const)
        ])
      )
    )
  ),
  sends('wishes for ten thousand messages', () => [
    control(2, encodeFields(Array.from({ length: 10_000 }, (_, m) => [1, Buffer.alloc(20, `${m}`)] as const)))
  ]),
  sends('a hundred copies of one message', peer =>
    Array.from({ length: 100 }, () => publish(shares(peer), bytes('d')))
  ),
  {
    name: 'gossip whose stream is reset again and again',
    act: async peer => {
      for (let n = 0; n < 20; n++) {
        const out = await peer.joinTopics()
        out.reset()
      }
      await peer.joinTopics()
      return (await peer.ping()) ? 'nothing' : 'no ping'
    },
    fate: 'nothing'
  },
  {
    name: 'gossip whose stream gets a FIN at once',
    act: async peer => {
      const out = await peer.joinTopics()
      peer.mux.send({ stream: out.id, flags: FLAG.fin, data: publish(shares(peer), bytes('e')) })
      return (await peer.ping()) ? 'nothing' : 'no ping'
    },
    fate: 'nothing'
  }
]
