import { EndOfBytes } from '../raw/inlet.ts'
import { ACK, frame, inventory } from '../raw/messages.ts'
import { line } from '../raw/multistream.ts'
import type { RawPeer } from '../raw/raw-peer.ts'
import { prefixed, varint } from '../raw/varint.ts'
import { encodeFrame, FLAG, KIND } from '../raw/yamux.ts'
import { afterBytes, type Case, fate } from './case.ts'

const over = async (peer: RawPeer): Promise<string> => {
  await peer.closed()
  return 'over'
}

/** Writes it below yamux, and sees the connection end. */
const ends = (name: string, write: (peer: RawPeer) => void): Case => ({
  name,
  act: peer => {
    write(peer)
    return over(peer)
  },
  fate: 'over',
  endsConnection: true
})

/** Negotiation of one stream. */
const NEGOTIATION: readonly Case[] = [
  {
    name: 'a protocol that is not spoken here',
    act: async peer => {
      const stream = peer.mux.open()
      stream.write(Buffer.concat([line('/multistream/1.0.0'), line('/p2pool/none/1.0.0')]))
      const said = await stream.take(20 + 4)
      stream.finish()
      return said.subarray(-3).toString()
    },
    fate: 'na\n'
  },
  {
    name: 'a proposal longer than any',
    act: async peer => {
      const stream = peer.mux.open()
      stream.write(line('/multistream/1.0.0'))
      await stream.take(20)
      await stream.send(line('/'.repeat(100_000)))
      return fate(stream)
    },
    fate: 'rst'
  },
  {
    name: 'a FIN before anything was proposed',
    act: async peer => {
      const stream = peer.mux.open()
      stream.finish()
      return fate(stream)
    },
    fate: 'rst'
  }
]

/** The muxer, and what is below it: the connection ends and only it. */
const BELOW: readonly Case[] = [
  ends('a yamux frame of another version', peer => peer.writeSealed(Buffer.alloc(12, 1))),
  ends('a yamux frame of no known kind', peer => peer.mux.send({ kind: 9 })),
  ends('a yamux frame of four gibibytes', peer => peer.writeSealed(hugeFrame())),
  ends('bytes beyond the window of a stream', peer => {
    const stream = peer.mux.open()
    stream.write(Buffer.alloc(300_000))
  }),
  ends('pings of the muxer without end, whose answers nobody reads', peer => {
    const ping = encodeFrame({ kind: KIND.ping, flags: FLAG.syn })
    peer.writeSealed(Buffer.concat(Array.from({ length: 5_000 }, () => ping)))
  }),
  ends('streams without end', peer => {
    const opened = Array.from({ length: 5_000 }, (_, n) =>
      encodeFrame({ kind: KIND.window, flags: FLAG.syn, stream: 2 * n + 1_001 })
    )
    peer.writeSealed(Buffer.concat(opened))
  }),
  ends('bytes that Noise did not seal', peer => peer.writeBare(Buffer.from([0, 40, ...Buffer.alloc(40, 7)]))),
  ends('a Noise message shorter than its tag', peer => peer.writeBare(Buffer.from([0, 3, 1, 2, 3]))),
  ends('the muxer said goodbye', peer => {
    peer.mux.send({ kind: KIND.goAway })
    peer.close()
  }),
  {
    name: 'an empty Noise message',
    act: async peer => {
      peer.writeBare(Buffer.from([0, 0]))
      return (await peer.ping()) ? 'nothing' : 'no ping'
    },
    fate: 'nothing'
  },
  {
    name: 'data of a stream that does not exist',
    act: async peer => {
      peer.mux.send({ stream: 9_999, data: Buffer.alloc(100) })
      return (await peer.ping()) ? 'nothing' : 'no ping'
    },
    fate: 'nothing'
  },
  {
    name: 'a thousand pings of the muxer at once',
    act: async peer => {
      const before = peer.mux.control.length
      const pings = Array.from({ length: 1_000 }, (_, n) =>
        encodeFrame({ kind: KIND.ping, flags: FLAG.syn, length: n })
      )
      peer.writeSealed(Buffer.concat(pings))
      return (await peer.ping()) && peer.mux.control.length - before <= 1_100 ? 'at most as many answers' : 'more'
    },
    fate: 'at most as many answers'
  },
  {
    name: 'questions of Kademlia without end',
    act: async peer => {
      const stream = await peer.open(`${peer.base}/kad/1.0.0`)
      // Of type FIND_NODE, for a key of one byte.
      const question = prefixed(Buffer.from([8, 4, 18, 1, 7]))
      stream.write(Buffer.concat(Array.from({ length: 2_000 }, () => question)))
      const { bytes, end } = await stream.rest()
      return end instanceof EndOfBytes && bytes.length < 100_000 ? end.how : 'more'
    },
    fate: 'rst'
  },
  {
    name: 'a question of Kademlia larger than any',
    act: async peer => {
      const stream = await peer.open(`${peer.base}/kad/1.0.0`)
      // Of type FIND_NODE, with empty peers in it.
      await stream.send(prefixed(Buffer.concat([Buffer.from([8, 4]), Buffer.alloc(20_000, Buffer.from([66, 0]))])))
      return fate(stream)
    },
    fate: 'rst'
  },
  {
    name: 'a hundred streams opened and reset at once',
    act: async peer => {
      for (let n = 0; n < 100; n++) peer.mux.open().reset()
      return (await peer.ask(inventory([])))?.equals(ACK) === true ? 'nothing' : 'no answer'
    },
    fate: 'nothing'
  }
]

/** Nobody comes back to them: the node is rid of them in its own time, which its constants bound. */
export const SLOW_CASES: readonly Case[] = [
  {
    name: 'a stream on which nothing is said',
    act: peer => fate(peer.mux.open()),
    fate: 'rst'
  },
  {
    name: 'a stream that begins with noise',
    act: async peer => {
      const stream = peer.mux.open()
      stream.write(Buffer.alloc(500, 0xff))
      return fate(stream)
    },
    fate: 'rst'
  },
  {
    name: 'a request that is never made',
    act: async peer => fate(await peer.openRequest()),
    fate: 'rst'
  },
  {
    name: 'a request that stops in its middle',
    act: peer => afterBytes(peer, frame(inventory([])).subarray(0, 9), { finish: false }),
    fate: 'rst'
  },
  {
    name: 'two hundred requests that are never made',
    act: async peer => {
      const fates = await Promise.all(Array.from({ length: 200 }, () => peer.openRequest().then(fate, () => 'rst')))
      return [...new Set(fates)].join(' or ')
    },
    fate: 'rst'
  },
  {
    name: 'an identify push without end',
    act: async peer => {
      const stream = await peer.open('/ipfs/id/push/1.0.0')
      stream.write(varint(4_000))
      return fate(stream)
    },
    fate: 'rst'
  }
]

/** Announces data and sends none. */
function hugeFrame(): Buffer {
  return encodeFrame({ flags: FLAG.syn, stream: 1_001, length: 0xffff_ffff })
}

export const LAYER_CASES: readonly Case[] = [...NEGOTIATION, ...BELOW]
